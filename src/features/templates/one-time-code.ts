import { type Component, fillPlaces, textOf } from './template-component.ts';

/** Meta's words for authentication templates, for listings that carry the options and not the text. */
const presets = {
  en: {
    code: '*{{1}}* is your verification code.',
    security: 'For your security, do not share this code.',
    expires: (minutes: number) => `This code expires in ${minutes} minutes.`,
  },
  pt: {
    code: 'Seu código de verificação é *{{1}}*.',
    security: 'Para sua segurança, não o compartilhe.',
    expires: (minutes: number) => `Este código expira em ${minutes} minutos.`,
  },
};

/** The body of an authentication template with its code in every place; without a code the places stay. */
export function presetBody(body: Component | undefined, code: string | undefined, language: string): string {
  const preset = presetsOf(language);
  const made = body?.add_security_recommendation === true ? `${preset.code} ${preset.security}` : preset.code;
  return fillPlaces(textOf(body?.text) ?? made, () => code);
}

/** The footer that says when the code expires; null when the template has none. */
export function presetFooter(footer: Component | undefined, language: string): string | null {
  const minutes = footer?.code_expiration_minutes;
  return typeof minutes === 'number' ? presetsOf(language).expires(minutes) : null;
}

function presetsOf(language: string) {
  return presets[/^pt\b|^pt_/i.test(language) ? 'pt' : 'en'];
}
