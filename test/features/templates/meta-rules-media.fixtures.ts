import type { GraphErrorName } from '../../../src/simulator/graph-errors.ts';
import { fits, type Kind, link, refused, silent } from './meta-rules.fixtures.ts';

const media = (type: 'image' | 'video' | 'document'): Kind => {
  const key = `header.${type}`;
  const wrong = (title: string, value: unknown, meta: GraphErrorName, doubt?: string) =>
    refused(title, { [key]: value }, `${key} wrong_type`, meta, doubt);
  const filename = { link, filename: 'a.pdf' };
  return {
    kind: `header, ${type}`,
    components: [
      { type: 'HEADER', format: type.toUpperCase() },
      { type: 'BODY', text: 'Olá.' },
    ],
    good: { [key]: { link } },
    rules: [
      fits('by id', { [key]: { media_id: '1234567890' } }),
      refused('left out', { [key]: undefined }, `${key} missing`, 'parameter_format'),
      wrong('a bare link', link, 'invalid_parameter'),
      wrong('neither link nor id', {}, 'invalid_parameter'),
      {
        ...wrong('link and id', { link, media_id: '1' }, 'invalid_parameter'),
        header: { type, [type]: { link, id: '1' } },
      },
      {
        ...wrong('a caption', { link, caption: 'Foto' }, 'invalid_parameter'),
        header: { type, [type]: { link, caption: 'Foto' } },
      },
      wrong('a link without https', { link: 'http://loja.example/a' }, 'invalid_parameter'),
      wrong('a link with a user', { link: 'https://a:b@loja.example/' }, 'invalid_parameter', silent),
      wrong('a link that is none', { link: 'arquivo' }, 'invalid_parameter'),
      wrong(
        'a link into a private network',
        { link: 'https://10.0.0.1/a' },
        'invalid_parameter',
        'Meta fails later, 131053',
      ),
      refused(
        'a link too long',
        { [key]: { link: `${link}/${'a'.repeat(2048)}` } },
        `${key} too_long`,
        'invalid_parameter',
        silent,
      ),
      refused('an id of spaces', { [key]: { media_id: ' ' } }, `${key} blank`, 'parameter_value_invalid', silent),
      type === 'document'
        ? fits('with a file name', { [key]: filename })
        : { ...wrong('with a file name', filename, 'invalid_parameter'), header: { type, [type]: filename } },
    ],
  };
};

const place = { latitude: '-19.92', longitude: '-43.94', name: 'Loja', address: 'Rua A, 1' };
const at = (change: Record<string, unknown>) => ({ 'header.location': { ...place, ...change } });

/** Headers that are no text. */
export const media_kinds: Kind[] = [
  media('image'),
  media('video'),
  media('document'),
  {
    kind: 'header, location',
    components: [
      { type: 'HEADER', format: 'LOCATION' },
      { type: 'BODY', text: 'Olá.' },
    ],
    good: at({}),
    rules: [
      fits('degrees as numbers', at({ latitude: -19.92, longitude: -43.94 })),
      fits('at the end of the world', at({ latitude: '90', longitude: '-180' })),
      refused('left out', { 'header.location': undefined }, 'header.location missing', 'parameter_format'),
      refused('beyond the pole', at({ latitude: '90.1' }), 'header.location wrong_type', 'parameter_value_invalid'),
      refused('beyond the date line', at({ longitude: 181 }), 'header.location wrong_type', 'parameter_value_invalid'),
      refused('a decimal comma', at({ latitude: '19,92' }), 'header.location wrong_type', 'parameter_value_invalid'),
      refused('no longitude', at({ longitude: undefined }), 'header.location wrong_type', 'parameter_value_invalid'),
      refused(
        'no name',
        at({ name: undefined }),
        'header.location wrong_type',
        'parameter_missing',
        'one page: required',
      ),
      refused('a blank address', at({ address: ' ' }), 'header.location blank', 'parameter_missing', silent),
      refused('another member', at({ url: link }), 'header.location wrong_type', 'invalid_parameter', silent),
      refused('a text', { 'header.location': 'Loja' }, 'header.location wrong_type', 'parameter_missing'),
    ],
  },
];
