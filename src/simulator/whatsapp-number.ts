/** The company's own number behind every simulated sender, as WhatsApp writes it. */
export const company_number = '553133330000';

/** The digits of an address as a caller may write it: mask, `+`, `@s.whatsapp.net` and device suffix are dropped. */
export function digitsOf(address: string): string {
  const [user = ''] = address.split(/[@:]/);
  return user.replace(/\D/g, '');
}

/**
 * The id WhatsApp gives a number. Brazilian mobiles: area codes from 31 up lose the ninth digit, lower ones have it,
 * so both written forms of a number end as one. Every other number is its own id.
 */
export function waIdOf(digits: string): string {
  const match = /^55(\d\d)(9?)([6-9]\d{7})$/.exec(digits);
  if (!match) return digits;
  const [, area = '', , rest = ''] = match;
  return Number(area) >= 31 ? `55${area}${rest}` : `55${area}9${rest}`;
}
