import { approved, buttons, type DemoTemplate, footer, media, named, positional } from './demo-components.ts';
import { rich_demo_templates } from './demo-rich-templates.ts';

/** The catalogue of every business account of the simulator, in the order it is listed. */
export const demo_templates: readonly DemoTemplate[] = [
  {
    ...approved,
    name: 'boas_vindas',
    components: [positional('Olá! Aqui é da Loja Aurora. Podemos conversar por aqui sobre o seu atendimento?')],
  },
  {
    ...approved,
    name: 'boas_vindas',
    language: 'en_US',
    components: [positional('Hello! This is Aurora Store. May we talk here about your request?')],
  },
  {
    ...approved,
    name: 'retomar_atendimento',
    components: [
      positional('Olá {{1}}, podemos retomar o seu atendimento sobre {{2}}? Estamos à disposição.', 'Ana', 'a troca'),
      footer('Loja Aurora'),
    ],
  },
  {
    ...approved,
    name: 'pedido_pronto',
    parameter_format: 'NAMED',
    components: [
      media('IMAGE', 'pedido.jpg'),
      named('Olá {{nome}}, o pedido {{pedido}} está pronto para retirada.', { nome: 'Ana', pedido: '8841' }),
      footer('Loja Aurora'),
      buttons(
        { type: 'QUICK_REPLY', text: 'Vou buscar hoje' },
        {
          type: 'URL',
          text: 'Ver pedido',
          url: 'https://loja-aurora.example/pedidos/{{1}}',
          example: ['https://loja-aurora.example/pedidos/8841'],
        },
      ),
    ],
  },
  {
    ...approved,
    name: 'nota_fiscal',
    components: [
      media('DOCUMENT', 'nota.pdf'),
      positional('Olá {{1}}, segue a nota fiscal do pedido {{2}}. Guarde este documento.', 'Ana', '8841'),
    ],
  },
  {
    ...approved,
    name: 'instrucoes_de_montagem',
    components: [
      media('VIDEO', 'montagem.mp4'),
      positional('Olá {{1}}, este vídeo mostra a montagem passo a passo. Ficou alguma dúvida?', 'Ana'),
    ],
  },
  {
    ...approved,
    name: 'tecnico_a_caminho',
    parameter_format: 'NAMED',
    components: [
      { type: 'HEADER', format: 'LOCATION' },
      named('O técnico {{tecnico}} está a caminho e chega por volta das {{horario}} neste endereço.', {
        tecnico: 'Rui',
        horario: '14h30',
      }),
    ],
  },
  {
    ...approved,
    name: 'pesquisa_de_atendimento',
    components: [
      positional('Olá {{1}}, o seu problema foi resolvido no último atendimento?', 'Ana'),
      buttons({ type: 'QUICK_REPLY', text: 'Sim' }, { type: 'QUICK_REPLY', text: 'Ainda não' }),
    ],
  },
  {
    ...approved,
    name: 'cupom_de_desculpas',
    category: 'MARKETING',
    components: [
      positional('Olá {{1}}, pelo atraso da entrega deixamos um cupom de {{2}} para a próxima compra.', 'Ana', '15%'),
      buttons({ type: 'COPY_CODE', text: 'Copiar código', example: ['AURORA15'] }),
    ],
  },
  {
    ...approved,
    name: 'lembrete_de_vencimento',
    components: [
      { type: 'HEADER', format: 'TEXT', text: 'Fatura de {{1}}', example: { header_text: ['novembro'] } },
      positional(
        'Olá {{1}}, a sua fatura de {{2}} vence em {{3}}. Fale conosco se precisar de ajuda.',
        'Ana',
        'R$ 89,90',
        '30/11',
      ),
      buttons({ type: 'PHONE_NUMBER', text: 'Ligar', phone_number: '+553133330000' }),
    ],
  },
  {
    ...approved,
    name: 'novidades_da_semana',
    category: 'MARKETING',
    components: [
      media('IMAGE', 'novidades.jpg'),
      positional('Olá {{1}}, separamos as novidades da semana para você. Dê uma olhada.', 'Ana'),
      footer('Responda SAIR para não receber mais'),
      buttons({ type: 'URL', text: 'Ver novidades', url: 'https://loja-aurora.example/novidades' }),
    ],
  },
  {
    ...approved,
    name: 'appointment_reminder',
    language: 'en_US',
    parameter_format: 'NAMED',
    components: [
      named('Hello {{first_name}}, your appointment is on {{date}}. Can you make it?', {
        first_name: 'Ana',
        date: 'November 30',
      }),
      buttons({ type: 'QUICK_REPLY', text: 'Yes' }, { type: 'QUICK_REPLY', text: 'Reschedule' }),
    ],
  },
  {
    ...approved,
    name: 'oferta_relampago',
    category: 'MARKETING',
    status: 'PAUSED',
    components: [positional('Olá {{1}}, a oferta de hoje termina à meia-noite. Aproveite.', 'Ana')],
  },
  {
    ...approved,
    name: 'confirmacao_de_agendamento',
    status: 'PENDING',
    components: [
      positional('Olá {{1}}, o seu horário de {{2}} está reservado. Podemos confirmar?', 'Ana', '30/11 às 9h'),
    ],
  },
  {
    ...approved,
    name: 'ganhe_premios',
    category: 'MARKETING',
    status: 'REJECTED',
    rejected_reason: 'PROMOTIONAL',
    components: [positional('Você ganhou um prêmio. Responda agora para receber.')],
  },
  ...rich_demo_templates,
];
