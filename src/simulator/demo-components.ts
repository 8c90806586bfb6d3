interface DemoCard {
  components: DemoComponent[];
}

export interface DemoButton {
  type:
    | 'QUICK_REPLY'
    | 'URL'
    | 'PHONE_NUMBER'
    | 'COPY_CODE'
    | 'OTP'
    | 'FLOW'
    | 'CATALOG'
    | 'MPM'
    | 'SPM'
    | 'VOICE_CALL'
    | 'REQUEST_CONTACT_INFO';
  text?: string;
  url?: string;
  phone_number?: string;
  example?: string | string[];
  otp_type?: 'COPY_CODE' | 'ONE_TAP' | 'ZERO_TAP';
  flow_id?: string;
  flow_action?: 'navigate' | 'data_exchange';
  navigate_screen?: string;
}

export interface DemoComponent {
  type: 'HEADER' | 'BODY' | 'FOOTER' | 'BUTTONS' | 'CAROUSEL' | 'LIMITED_TIME_OFFER';
  format?: 'TEXT' | 'IMAGE' | 'VIDEO' | 'DOCUMENT' | 'LOCATION' | 'PRODUCT';
  text?: string;
  buttons?: DemoButton[];
  cards?: DemoCard[];
  limited_time_offer?: { text: string; has_expiration?: boolean };
  add_security_recommendation?: boolean;
  code_expiration_minutes?: number;
  example?: Record<string, unknown>;
}

export interface DemoTemplate {
  name: string;
  language: 'pt_BR' | 'en_US';
  category: 'UTILITY' | 'MARKETING' | 'AUTHENTICATION';
  status: 'APPROVED' | 'PENDING' | 'PAUSED' | 'REJECTED';
  parameter_format: 'POSITIONAL' | 'NAMED';
  rejected_reason?: string;
  components: DemoComponent[];
}

export const media = (format: 'IMAGE' | 'VIDEO' | 'DOCUMENT', file: string): DemoComponent => ({
  type: 'HEADER',
  format,
  example: { header_handle: [`https://scontent.whatsapp.net/v/simulator/${file}`] },
});
export const positional = (text: string, ...examples: string[]): DemoComponent => ({
  type: 'BODY',
  text,
  ...(examples.length === 0 ? {} : { example: { body_text: [examples] } }),
});
export const named = (text: string, examples: Record<string, string>): DemoComponent => ({
  type: 'BODY',
  text,
  example: {
    body_text_named_params: Object.entries(examples).map(([param_name, example]) => ({ param_name, example })),
  },
});
export const footer = (text: string): DemoComponent => ({ type: 'FOOTER', text });
export const buttons = (...list: DemoButton[]): DemoComponent => ({ type: 'BUTTONS', buttons: list });
export const approved = {
  status: 'APPROVED',
  category: 'UTILITY',
  parameter_format: 'POSITIONAL',
  language: 'pt_BR',
} as const;
