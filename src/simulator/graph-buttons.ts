import type { DemoButton } from './demo-components.ts';
import { refusalOfFlow, refusalOfProductList, refusalOfThumbnail } from './graph-actions.ts';
import type { GraphRefusal } from './graph-errors.ts';
import {
  countRefusal,
  firstRefusal,
  isFilled,
  missingValue,
  parametersIn,
  refusalOfText,
  variablesOf,
} from './graph-parameters.ts';
import type { Members } from './json.ts';

/** `required`: a parameter has to be there; `named`: the component, its parameters may be missing; `allowed`: both may be; `none`: neither may be there. */
type Need = 'required' | 'named' | 'allowed' | 'none';

const max_url_length = 2000;
const max_code_length = 15;

/** Checks that each button got what it needs, and that nothing is for a button that takes none. */
export function refusalOfButtons(
  buttons: DemoButton[],
  given: Members[],
  { version, in_card }: { version: string; in_card: boolean },
): GraphRefusal | null {
  const places = given.map(({ index }) => (/^\d{1,2}$/.test(String(index)) ? Number(index) : -1));
  const astray = given.find((component, at) => !takes(buttons[places[at] ?? -1], component.sub_type));
  if (astray) {
    const details = `buttons: Button at index ${astray.index} takes no parameter of sub_type ${astray.sub_type}`;
    return { error: 'parameter_format', details };
  }
  if (new Set(places).size < places.length) {
    return { error: 'invalid_parameter', details: 'buttons: Two components for the same button' };
  }
  return firstRefusal([...buttons.entries()], ([index, button]) =>
    refusalOfButton(button, index, given[places.indexOf(index)], { version, in_card }),
  );
}

function refusalOfButton(
  button: DemoButton,
  index: number,
  component: Members | undefined,
  { version, in_card }: { version: string; in_card: boolean },
): GraphRefusal | null {
  const parameters = parametersIn(component);
  if ('error' in parameters) return parameters;
  const need = needOf(button, in_card);
  const details = `buttons: Button at index ${index} of type ${nameOf(button)} requires a parameter`;
  if (need === 'required' && parameters.length === 0) return { error: 'parameter_missing', details };
  if (need === 'named' && component === undefined) return { error: 'parameter_value_invalid', details };
  if (parameters.length > 1) return countRefusal('buttons', parameters.length, 1);
  return firstRefusal(parameters, (parameter) => refusalOfButtonParameter(button, parameter, version));
}

function needOf(button: DemoButton, in_card: boolean): Need {
  switch (button.type) {
    case 'URL':
      return variablesOf(button.url ?? '').length > 0 ? 'required' : 'none';
    case 'COPY_CODE':
    case 'OTP':
    case 'MPM':
      return 'required';
    case 'FLOW':
      return 'named';
    case 'QUICK_REPLY':
      return in_card ? 'required' : 'allowed';
    case 'CATALOG':
      return 'allowed';
    case 'PHONE_NUMBER':
    case 'SPM':
    case 'VOICE_CALL':
    case 'REQUEST_CONTACT_INFO':
      return 'none';
  }
}

/** One-time codes travel as the end of a URL, whatever the button was called when it was submitted. */
function takes(button: DemoButton | undefined, sub_type: unknown): boolean {
  if (!button || needOf(button, false) === 'none') return false;
  return String(sub_type).toUpperCase() === (button.type === 'OTP' ? 'URL' : button.type);
}

function refusalOfButtonParameter(button: DemoButton, parameter: Members, version: string): GraphRefusal | null {
  switch (button.type) {
    case 'URL':
    case 'OTP':
      return refusalOfText('buttons', parameter, version) ?? refusalOfUrl(button, String(parameter.text));
    case 'FLOW':
      return refusalOfFlow(parameter);
    case 'CATALOG':
      return refusalOfThumbnail(parameter);
    case 'MPM':
      return refusalOfProductList(parameter);
    case 'COPY_CODE':
      return refusalOfKeyword('coupon_code', parameter, 20) ?? refusalOfCoupon(parameter, version);
    default:
      return refusalOfKeyword('payload', parameter, 128);
  }
}

function refusalOfUrl(button: DemoButton, text: string): GraphRefusal | null {
  if (isCodeButton(button)) return refusalOfCode(text);
  const length = [...(button.url ?? '').replace(/\{\{\w+\}\}/, '')].length + [...text].length;
  if (length <= max_url_length) return null;
  return { error: 'parameter_value_invalid', details: `buttons: URL has more than ${max_url_length} characters` };
}

/** True for the button of an authentication template, also as the URL it becomes in listings. */
export function isCodeButton({ type, url }: DemoButton): boolean {
  return type === 'OTP' || (type === 'URL' && /^https:\/\/www\.whatsapp\.com\/otp\//.test(url ?? ''));
}

/** A one-time code: at most 15 characters, no emoji. */
export function refusalOfCode(code: string): GraphRefusal | null {
  if ([...code].length <= max_code_length && !/\p{Extended_Pictographic}|\p{Regional_Indicator}/u.test(code))
    return null;
  return {
    error: 'parameter_value_invalid',
    details: `A one-time code has at most ${max_code_length} characters and no emoji`,
  };
}

function refusalOfKeyword(key: 'coupon_code' | 'payload', parameter: Members, limit: number): GraphRefusal | null {
  const value = parameter[key];
  if (parameter.type !== key || !isFilled(value)) return missingValue(key, key);
  const has_control = /(?![\n\r\t])\p{Cc}/u.test(value);
  if ([...value].length <= limit && !has_control) return null;
  return { error: 'parameter_value_invalid', details: `buttons: ${key} has more than ${limit} characters` };
}

function refusalOfCoupon({ coupon_code: text }: Members, version: string): GraphRefusal | null {
  return refusalOfText('buttons', { type: 'text', text }, version);
}

function nameOf({ type }: DemoButton): string {
  const words = type.toLowerCase().split('_');
  return words.map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`).join('');
}
