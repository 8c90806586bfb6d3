import { approved, buttons, type DemoComponent, type DemoTemplate, media, positional } from './demo-components.ts';

const marketing = { ...approved, category: 'MARKETING' } as const;
const authentication = { ...approved, category: 'AUTHENTICATION' } as const;

/** Meta's preset text, which no business may change. */
const code_body: DemoComponent = {
  ...positional('Seu código de verificação é *{{1}}*. Para sua segurança, não o compartilhe.', '123456'),
  add_security_recommendation: true,
};
const code_footer: DemoComponent = {
  type: 'FOOTER',
  text: 'Este código expira em 10 minutos.',
  code_expiration_minutes: 10,
};
const codeButtons = (otp_type: 'COPY_CODE' | 'ONE_TAP' | 'ZERO_TAP', text: string) =>
  buttons({ type: 'OTP', otp_type, text });

const mediaCard = (file: string, product: string) => ({
  components: [
    media('IMAGE', file),
    positional(`${product} por {{1}}, só esta semana.`, 'R$ 199'),
    buttons(
      { type: 'QUICK_REPLY', text: 'Quero este' },
      {
        type: 'URL',
        text: 'Ver',
        url: 'https://loja-aurora.example/produtos/{{1}}',
        example: ['https://loja-aurora.example/produtos/tenis-1'],
      },
    ),
  ],
});
const product_card = {
  components: [{ type: 'HEADER', format: 'PRODUCT' } satisfies DemoComponent, buttons({ type: 'SPM', text: 'Ver' })],
};

/** One template of every kind beyond texts, media and plain buttons. */
export const rich_demo_templates: readonly DemoTemplate[] = [
  {
    ...authentication,
    name: 'codigo_de_acesso',
    components: [code_body, code_footer, codeButtons('COPY_CODE', 'Copiar código')],
  },
  { ...authentication, name: 'codigo_com_um_toque', components: [code_body, codeButtons('ONE_TAP', 'Preencher')] },
  {
    ...authentication,
    name: 'codigo_sem_toque',
    components: [code_body, code_footer, codeButtons('ZERO_TAP', 'Copiar código')],
  },
  {
    ...authentication,
    name: 'codigo_como_url',
    components: [
      code_body,
      // As Meta's listing shows a template that was submitted with an OTP button.
      buttons({
        type: 'URL',
        text: 'Copiar código',
        url: 'https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp{{1}}',
        example: ['https://www.whatsapp.com/otp/code/?otp_type=COPY_CODE&code=otp123456'],
      }),
    ],
  },
  {
    ...approved,
    name: 'agendar_visita',
    components: [
      positional('Olá {{1}}, escolha o melhor horário para a visita técnica.', 'Ana'),
      buttons({
        type: 'FLOW',
        text: 'Escolher horário',
        flow_id: '300000000000001',
        flow_action: 'navigate',
        navigate_screen: 'HORARIOS',
      }),
    ],
  },
  {
    ...marketing,
    name: 'conheca_o_catalogo',
    components: [
      positional('Olá {{1}}, o nosso catálogo está no WhatsApp.', 'Ana'),
      buttons({ type: 'CATALOG', text: 'Ver catálogo' }),
    ],
  },
  {
    ...marketing,
    name: 'itens_do_carrinho',
    components: [
      { type: 'HEADER', format: 'TEXT', text: 'Esqueceu algo, {{1}}?', example: { header_text: ['Ana'] } },
      positional('Separamos os itens do seu carrinho e outros que combinam.'),
      buttons({ type: 'MPM', text: 'Ver itens' }),
    ],
  },
  {
    ...marketing,
    name: 'produto_de_volta',
    components: [
      { type: 'HEADER', format: 'PRODUCT' },
      positional('Olá {{1}}, o produto que você esperava voltou ao estoque.', 'Ana'),
      buttons({ type: 'SPM', text: 'Ver' }),
    ],
  },
  {
    ...marketing,
    name: 'vitrine_da_semana',
    components: [
      positional('Olá {{1}}, veja a vitrine da semana.', 'Ana'),
      { type: 'CAROUSEL', cards: [mediaCard('tenis.jpg', 'Tênis Aurora'), mediaCard('mochila.jpg', 'Mochila Aurora')] },
    ],
  },
  {
    ...marketing,
    name: 'vitrine_de_produtos',
    components: [
      positional('Olá {{1}}, escolhemos estes produtos para você.', 'Ana'),
      { type: 'CAROUSEL', cards: [product_card, product_card, product_card] },
    ],
  },
  {
    ...marketing,
    name: 'oferta_por_tempo_limitado',
    components: [
      media('IMAGE', 'oferta.jpg'),
      { type: 'LIMITED_TIME_OFFER', limited_time_offer: { text: 'Oferta relâmpago', has_expiration: true } },
      positional('Olá {{1}}, use o cupom antes que o tempo acabe.', 'Ana'),
      buttons(
        { type: 'COPY_CODE', text: 'Copiar código', example: ['AURORA15'] },
        {
          type: 'URL',
          text: 'Comprar',
          url: 'https://loja-aurora.example/oferta?cupom={{1}}',
          example: ['https://loja-aurora.example/oferta?cupom=AURORA15'],
        },
      ),
    ],
  },
  {
    ...approved,
    name: 'atualizar_contato',
    components: [
      positional('Olá {{1}}, para seguir com o atendimento, ligue ou compartilhe o seu contato.', 'Ana'),
      buttons({ type: 'VOICE_CALL', text: 'Ligar' }, { type: 'REQUEST_CONTACT_INFO' }),
    ],
  },
];
