import t from 'tap';
import { renderedText } from '../../../src/features/templates/render-template.ts';
import { type Body, eventually, startService } from '../../support/service.ts';

const service = await startService(t);
const company = await service.createCompany();
const link = 'https://loja.example/arquivo';
const card = (index: number) => ({
  [`cards.${index}.header.image`]: index === 0 ? { link } : { media_id: '1234567890' },
  [`cards.${index}.body.1`]: `R$ ${index + 1}99`,
  [`cards.${index}.buttons.1.url`]: `produto-${index}`,
});
const product = (id: string) => ({ product_retailer_id: id, catalog_id: '700000000000001' });
const sections = [{ title: 'No carrinho', product_retailer_ids: ['sku-1', 'sku-2'] }];
const code = { 'buttons.0.otp': '481516' };

/** Good parameters of every approved template of the simulator, and the text that history keeps of some. */
const sends: Record<string, { parameters?: Record<string, unknown>; text?: string }> = {
  'boas_vindas pt_BR': {},
  'boas_vindas en_US': {},
  'retomar_atendimento pt_BR': { parameters: { 'body.1': 'Ana', 'body.2': 'a troca' } },
  'pedido_pronto pt_BR': {
    parameters: { 'header.image': { link }, 'body.nome': 'Ana', 'body.pedido': '8841', 'buttons.1.url': '8841' },
  },
  'nota_fiscal pt_BR': {
    parameters: { 'header.document': { media_id: '1', filename: 'nota.pdf' }, 'body.1': 'Ana', 'body.2': '8841' },
  },
  'instrucoes_de_montagem pt_BR': { parameters: { 'header.video': { link }, 'body.1': 'Ana' } },
  'tecnico_a_caminho pt_BR': {
    parameters: {
      'header.location': { latitude: -19.92, longitude: -43.94, name: 'Loja', address: 'Rua A, 1' },
      'body.tecnico': 'Rui',
      'body.horario': '14h30',
    },
  },
  'pesquisa_de_atendimento pt_BR': { parameters: { 'body.1': 'Ana', 'buttons.1.payload': '{\n"resolvido": false}' } },
  'cupom_de_desculpas pt_BR': {
    parameters: { 'body.1': 'Ana', 'body.2': '15%', 'buttons.0.coupon_code': 'AURORA15' },
  },
  'lembrete_de_vencimento pt_BR': {
    parameters: { 'header.1': 'novembro', 'body.1': 'Ana', 'body.2': 'R$ 89,90', 'body.3': '30/11' },
    text: 'Fatura de novembro\n\nOlá Ana, a sua fatura de R$ 89,90 vence em 30/11. Fale conosco se precisar de ajuda.',
  },
  'novidades_da_semana pt_BR': { parameters: { 'header.image': { link }, 'body.1': 'Ana' } },
  'appointment_reminder en_US': { parameters: { 'body.first_name': 'Ana', 'body.date': 'November 30' } },
  'codigo_de_acesso pt_BR': {
    parameters: code,
    text: 'Seu código de verificação é *481516*. Para sua segurança, não o compartilhe.\n\nEste código expira em 10 minutos.',
  },
  'codigo_com_um_toque pt_BR': { parameters: code },
  'codigo_sem_toque pt_BR': { parameters: code },
  'codigo_como_url pt_BR': { parameters: code },
  'agendar_visita pt_BR': { parameters: { 'body.1': 'Ana', 'buttons.0.flow_action_data': { horarios: ['9h'] } } },
  'conheca_o_catalogo pt_BR': { parameters: { 'body.1': 'Ana' } },
  'itens_do_carrinho pt_BR': {
    parameters: {
      'header.1': 'Ana',
      'buttons.0.thumbnail_product_retailer_id': 'sku-1',
      'buttons.0.sections': sections,
    },
  },
  'produto_de_volta pt_BR': { parameters: { 'header.product': product('sku-1'), 'body.1': 'Ana' } },
  'vitrine_da_semana pt_BR': {
    parameters: { 'body.1': 'Ana', ...card(0), ...card(1), 'cards.0.buttons.0.payload': 'quero-tenis' },
    text: 'Olá Ana, veja a vitrine da semana.\n\nTênis Aurora por R$ 199, só esta semana.\n\nMochila Aurora por R$ 299, só esta semana.',
  },
  'vitrine_de_produtos pt_BR': {
    parameters: {
      'body.1': 'Ana',
      'cards.0.header.product': product('sku-1'),
      'cards.1.header.product': product('sku-2'),
      'cards.2.header.product': product('sku-3'),
    },
  },
  'oferta_por_tempo_limitado pt_BR': {
    parameters: {
      'header.image': { link },
      'limited_time_offer.expires_at': '2026-11-30T23:59:59-03:00',
      'body.1': 'Ana',
      'buttons.0.coupon_code': 'AURORA15',
      'buttons.1.url': 'AURORA15',
    },
    text: 'Oferta relâmpago – 2026-12-01T02:59:59.000Z\n\nOlá Ana, use o cupom antes que o tempo acabe.',
  },
  'atualizar_contato pt_BR': { parameters: { 'body.1': 'Ana' } },
};

const { body: listed } = await company.get('/v1/templates?limit=100');
const nameOf = ({ name, language }: Body) => `${name} ${language}`;

const phoneOf = (place: number) => `+55319777${String(1000 + place).padStart(5, '0')}`;
const previews: Body[] = [];
const starts: Body[] = [];
for (const [place, template] of listed.data.entries()) {
  const { parameters } = sends[nameOf(template)] ?? {};
  previews.push(await company.post(`/v1/templates/${template.id}/preview`, parameters ? { parameters } : {}));
  const contact = { phone: phoneOf(place) };
  starts.push(await company.start({ contact, template: { id: template.id, parameters } }));
}

t.test('every approved template of the simulator is sent below', async (t) => {
  t.same(listed.data.map(nameOf).toSorted(), Object.keys(sends).toSorted());
});

for (const [place, template] of listed.data.entries()) {
  t.test(`${nameOf(template)}: previewed, started, accepted; its history says what was previewed`, async (t) => {
    const previewed = previews[place];
    t.equal(previewed.status, 200, previewed.text);
    const kept = renderedText(previewed.body.rendered);
    const { text = kept } = sends[nameOf(template)] ?? {};
    t.equal(kept, text);
    t.notMatch(kept, /\{\{|undefined|NaN/);
    const started = starts[place];
    t.equal(started.status, 201, started.text);
    const { body } = await eventually(
      () => company.get(`/v1/attendances/${started.body.id}`),
      (reply) => !['queued', 'sending'].includes(reply.body.first_message.status),
    );
    t.match(body.first_message, { status: 'accepted', text: kept, error: null });
    const [received] = await service.received(`?to=${encodeURIComponent(phoneOf(place))}`);
    t.match(received, { accepted: true, template: { name: template.name, language: template.language } });
  });
}
