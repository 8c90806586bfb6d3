import { Ajv, type ErrorObject, type Options } from 'ajv';
import formats from 'ajv-formats';
import type { FastifySchemaCompiler } from 'fastify';
import { defineProblem, say, type Text, type Violation } from '../problem.ts';

export const validation_failed = defineProblem({
  code: 'validation_failed',
  status: 400,
  title: { en: 'The request does not fit its schema', pt: 'A requisição não corresponde ao esquema' },
  detail: {
    en: 'Nothing was changed. Each entry of errors[] says where and what; correct it and send again.',
    pt: 'Nada foi alterado. Cada item de errors[] diz onde e o quê; corrija e envie de novo.',
  },
  example: {
    errors: [
      {
        pointer: '/team_id',
        code: 'missing',
        detail: { en: 'This member is required.', pt: 'Este campo é obrigatório.' },
      },
    ],
  },
});

/** PostgreSQL's text cannot hold NUL, and JSON can carry half a surrogate pair. */
const storable = (text: string) => !text.includes('\u0000') && text.isWellFormed();

/** Readers of JSON recurse, ours and the callers' own: what is nested without an end would end them. */
const most_levels = 32;

function storableDeep(value: unknown, levels = most_levels): boolean {
  if (typeof value === 'string') return storable(value);
  if (value === null || typeof value !== 'object') return true;
  if (levels === 0) return false;
  if (Array.isArray(value)) return value.every((member) => storableDeep(member, levels - 1));
  return Object.entries(value).every(([key, member]) => storable(key) && storableDeep(member, levels - 1));
}

/** As PostgreSQL takes it: the library's own pattern also takes `urn:uuid:` before it. */
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const rfc3339 = formats.default.get('date-time', 'full') as { validate: (text: string) => boolean };

/** RFC 3339 without what no clock of ours knows: leap seconds. */
const isTime = (text: string) => text.length <= 40 && rfc3339.validate(text) && !Number.isNaN(Date.parse(text));

function createAjv(options: Options): Ajv {
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    removeAdditional: false,
    discriminator: true,
    strict: false,
    // They are ours, and the document's tests judge them: to judge them at each start takes most of a second.
    validateSchema: false,
    meta: false,
    ...options,
  });
  formats.default(ajv, ['email', 'uri']);
  ajv.addFormat('uuid', uuid);
  ajv.addFormat('date-time', { type: 'string', validate: isTime });
  ajv.addFormat('storable', { type: 'string', validate: storable });
  ajv.addKeyword({
    keyword: 'storableDeep',
    type: 'object',
    validate: (_: boolean, value: unknown) => storableDeep(value),
  });
  return ajv;
}

/** Bodies are taken as they are; query and path values, all strings on the wire, are read as their schema's type. */
export function createValidatorCompiler(schemas: Record<string, unknown>): FastifySchemaCompiler<unknown> {
  const strict = createAjv({ coerceTypes: false, useDefaults: true });
  const coercing = createAjv({ coerceTypes: 'array', useDefaults: true });
  for (const schema of Object.values(schemas)) {
    strict.addSchema(schema as object);
    coercing.addSchema(schema as object);
  }
  return ({ schema, httpPart }) => {
    const validate = (httpPart === 'body' ? strict : coercing).compile(schema as object);
    return (value: unknown): { value: unknown } | { error: Error } => {
      if (validate(value)) return { value };
      const errors = ofNearestForms(validate.errors ?? [], schemas);
      return { error: validation_failed({ errors: toViolations(errors, httpPart ?? 'body') }) };
    };
  };
}

type Form = Record<string, unknown> | undefined;

/** Of what is said of a union, that of the form which knows most of the value's members: the others only mislead. */
function ofNearestForms(errors: ErrorObject[], schemas: Record<string, unknown>): ErrorObject[] {
  return errors.reduce(
    (left, error) => (error.keyword === 'anyOf' ? withoutOtherForms(left, error, schemas) : left),
    errors,
  );
}

function withoutOtherForms(errors: ErrorObject[], union: ErrorObject, schemas: Record<string, unknown>): ErrorObject[] {
  const names = Object.keys(Object(union.data));
  const forms = (union.schema as { $ref?: string }[]).map(
    ({ $ref = '' }) => (schemas[$ref] as { properties?: Form } | undefined)?.properties,
  );
  const known = (form: Form) => names.filter((name) => form && name in form).length;
  const nearest = forms.toSorted((one, other) => known(other) - known(one))[0];
  if (!nearest || known(nearest) === 0) return errors;
  const ofNearest = ({ instancePath, params }: ErrorObject) => {
    const { missingProperty, additionalProperty } = params as Record<string, string | undefined>;
    if (instancePath !== union.instancePath)
      return (instancePath.slice(union.instancePath.length).split('/')[1] ?? '') in nearest;
    return additionalProperty === undefined ? (missingProperty ?? '') in nearest : !(additionalProperty in nearest);
  };
  const isOfUnion = ({ instancePath }: ErrorObject) => `${instancePath}/`.startsWith(`${union.instancePath}/`);
  const left = errors.filter((error) => !isOfUnion(error) || ofNearest(error));
  return left.some(isOfUnion) ? left : errors;
}

/** Ajv's errors as ours: one per place, pointer first. `/name` in bodies, `?name` in queries, `:name` in paths. */
function toViolations(errors: ErrorObject[], part: string): Violation[] {
  const found = new Map<string, Violation>();
  for (const error of errors) {
    const violation = toViolation(error, part);
    if (violation && !found.has(violation.pointer)) found.set(violation.pointer, violation);
  }
  return [...found.values()].slice(0, 50);
}

const escaped = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1');

function pointerOf(error: ErrorObject, part: string, member?: string): string {
  const path = member === undefined ? error.instancePath : `${error.instancePath}/${escaped(member)}`;
  if (part === 'querystring') return `?${path.slice(1)}`;
  if (part === 'params') return `:${path.slice(1)}`;
  return path;
}

type Rule = { code: string; text: Text };

const rules: Record<string, Rule> = {
  type: { code: 'wrong_type', text: { en: 'Must be of type {type}.', pt: 'Deve ser do tipo {type}.' } },
  required: { code: 'missing', text: { en: 'This member is required.', pt: 'Este campo é obrigatório.' } },
  additionalProperties: {
    code: 'unknown_field',
    text: { en: 'This member is not known here; remove it.', pt: 'Este campo não é conhecido aqui; remova-o.' },
  },
  enum: { code: 'not_allowed', text: { en: 'Must be one of: {allowed}.', pt: 'Deve ser um destes: {allowed}.' } },
  maxLength: { code: 'too_long', text: { en: 'At most {limit} characters.', pt: 'No máximo {limit} caracteres.' } },
  minLength: { code: 'too_short', text: { en: 'At least {limit} characters.', pt: 'No mínimo {limit} caracteres.' } },
  maxItems: { code: 'too_long', text: { en: 'At most {limit} entries.', pt: 'No máximo {limit} itens.' } },
  minItems: { code: 'too_short', text: { en: 'At least {limit} entries.', pt: 'No mínimo {limit} itens.' } },
  maxProperties: { code: 'too_long', text: { en: 'At most {limit} members.', pt: 'No máximo {limit} campos.' } },
  minProperties: { code: 'too_short', text: { en: 'At least {limit} members.', pt: 'No mínimo {limit} campos.' } },
  uniqueItems: { code: 'not_unique', text: { en: 'Holds one entry twice.', pt: 'Traz um item repetido.' } },
  minimum: { code: 'out_of_range', text: { en: 'At least {limit}.', pt: 'No mínimo {limit}.' } },
  maximum: { code: 'out_of_range', text: { en: 'At most {limit}.', pt: 'No máximo {limit}.' } },
  pattern: { code: 'wrong_format', text: { en: 'Must match {pattern}.', pt: 'Deve corresponder a {pattern}.' } },
  format: { code: 'wrong_format', text: { en: 'Is no valid {format}.', pt: 'Não é um {format} válido.' } },
  storableDeep: {
    code: 'wrong_format',
    text: {
      en: `Holds NUL, half a character or more than ${most_levels} levels.`,
      pt: `Contém NUL, um caractere pela metade ou mais de ${most_levels} níveis.`,
    },
  },
};

/** Every `errors[].code` that the shape of a request leads to, with what each says. */
export const field_codes: readonly Rule[] = Object.values(rules);

const unstorable: Text = { en: 'Holds NUL or half a character.', pt: 'Contém NUL ou um caractere pela metade.' };
const no_branch: Text = {
  en: 'Fits none of the allowed forms; see the schema.',
  pt: 'Não corresponde a nenhuma das formas permitidas; veja o esquema.',
};

function toViolation(error: ErrorObject, part: string): Violation | undefined {
  const params = error.params as Record<string, unknown>;
  const member = (params.missingProperty ?? params.additionalProperty) as string | undefined;
  const pointer = pointerOf(error, part, member);
  // Branches report their own errors beside this one; where a place has both, the first, more exact one stands.
  if (error.keyword === 'oneOf' || error.keyword === 'anyOf')
    return { pointer, code: 'not_allowed', detail: no_branch };
  if (error.keyword === 'discriminator')
    return { pointer: pointerOf(error, part, String(params.tag)), code: 'not_allowed', detail: no_branch };
  if (error.keyword === 'format' && params.format === 'storable')
    return { pointer, code: 'wrong_format', detail: unstorable };
  const rule = rules[error.keyword];
  if (!rule) return undefined;
  const allowed = Array.isArray(params.allowedValues) ? params.allowedValues.join(', ') : '';
  const type = Array.isArray(params.type) ? params.type.join(' or ') : String(params.type ?? '');
  const said = { ...params, allowed, type } as Record<string, string | number>;
  return { pointer, code: rule.code, detail: say(rule.text, said) };
}
