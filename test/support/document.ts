import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

type Operation = { responses: Record<string, { content?: Record<string, unknown> }> };

export interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
}

export interface Answered {
  method: string;
  /** With query. */
  url: string;
  status: number;
  content_type: string;
  body: string;
}

const escaped = (part: string) => part.replaceAll('~', '~0').replaceAll('/', '~1');

/** Judges answers by the API document: an undocumented status, type or member fails the test that got it. */
export function createJudge(document: Document): (answered: Answered) => void {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  for (const format of ['storable']) ajv.addFormat(format, true);
  ajv.addSchema(document, 'document');
  const paths = Object.keys(document.paths).map((path) => ({
    path,
    // Literal paths first: /contacts/lookup is no contact.
    rank: (path.match(/\{/g) ?? []).length,
    shape: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`),
  }));
  paths.sort((one, other) => one.rank - other.rank);

  return ({ method, url, status, content_type, body }) => {
    const [pathname = ''] = url.split('?');
    const found = paths.find(({ path, shape }) => shape.test(pathname) && document.paths[path]?.[method.toLowerCase()]);
    if (!found) return;
    const operation = document.paths[found.path]?.[method.toLowerCase()];
    const said = `${method} ${found.path} answered ${status}`;
    const response = operation?.responses[status];
    assert.ok(response, `${said}, which the document does not know`);
    if (!response.content) return assert.equal(body, '', `${said} with a body, which the document does not know`);
    const type = content_type.split(';')[0] ?? '';
    assert.ok(response.content[type], `${said} as "${type}", which the document does not know`);
    const pointer = ['paths', found.path, method.toLowerCase(), 'responses', String(status), 'content', type, 'schema'];
    const validate = ajv.compile({
      $ref: `document#/${pointer.map((part) => encodeURIComponent(escaped(part))).join('/')}`,
    });
    assert.ok(validate(JSON.parse(body)), `${said} off its schema: ${ajv.errorsText(validate.errors)}\n${body}`);
  };
}
