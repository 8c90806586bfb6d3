import { type Static, type TObject, type TProperties, type TSchema, type TUnsafe, Type } from '@sinclair/typebox';

/** Words of the contract, written once: ids, times, bounded strings, nullable things, pages. */

/** UUID v7. */
export const Id = (description: string) =>
  Type.String({ format: 'uuid', description, examples: ['019a0000-0000-7000-8000-000000000001'] });

/** ISO 8601, UTC, milliseconds, `Z`. The year 0 is RFC 3339 and unknown to PostgreSQL. */
export const Timestamp = (description: string) =>
  Type.String({ format: 'date-time', pattern: '^(?!0000)', description, examples: ['2026-11-22T12:00:00.000Z'] });

/** A bounded string without NUL or lone surrogates (PostgreSQL can keep neither). */
export const Line = (least: number, most: number, options: { description: string; examples?: string[] }) =>
  Type.String({ minLength: least, maxLength: most, format: 'storable', ...options });

/** A string out of a closed list. */
export const OneOf = <const T extends string>(
  values: readonly T[],
  options: Record<string, unknown> = {},
): TUnsafe<T> => Type.Unsafe<T>({ type: 'string', enum: [...values], ...options });

/** The same, or null. A `$ref` becomes `anyOf`, everything else a type list. */
export function Nullable<T extends TSchema>(schema: T): TUnsafe<Static<T> | null> {
  const { description, ...rest } = schema as TSchema & { description?: string };
  const said = description === undefined ? {} : { description };
  if ('$ref' in schema) return Type.Unsafe<Static<T> | null>({ ...said, anyOf: [rest, { type: 'null' }] });
  const values = rest.enum as unknown[] | undefined;
  return Type.Unsafe<Static<T> | null>({
    ...rest,
    ...said,
    type: [rest.type as string, 'null'],
    ...(values ? { enum: [...values, null] } : {}),
  });
}

/** An object that knows all its members; an unknown one is refused on the way in and never sent on the way out. */
export const Closed = <T extends TProperties>(properties: T, options: Record<string, unknown> = {}): TObject<T> =>
  Type.Object(properties, { additionalProperties: false, ...options });

/** A free JSON object of the caller's, at most 50 members; kept and given back, never read. */
export const Metadata = (description: string) =>
  Type.Unsafe<Record<string, unknown>>({
    type: 'object',
    maxProperties: 50,
    propertyNames: { type: 'string', maxLength: 100, format: 'storable' },
    additionalProperties: true,
    storableDeep: true,
    description,
    examples: [{ order: '8841' }],
  });

/** `{data, next_cursor}` of a named schema. */
export const Page = <T extends TSchema>(item: T, $id: string) =>
  Closed(
    {
      data: Type.Array(Type.Unsafe<Static<T>>({ $ref: `${item.$id}` })),
      next_cursor: Nullable(
        Type.String({ description: 'Pass it as `cursor` for the next page; null on the last one.' }),
      ),
    },
    {
      $id,
      title: $id,
      description: 'One page of a list.',
      examples: [{ data: item.examples ?? [], next_cursor: null }],
    },
  );

/** Query members that every list takes. */
export const page_query = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 25, description: 'Rows a page.' })),
  cursor: Type.Optional(Type.String({ maxLength: 500, description: '`next_cursor` of the page before.' })),
};

/** In problems and in message errors. */
export const ProviderAnswer = Closed(
  {
    name: Type.String({ description: 'The provider that spoke.' }),
    code: Nullable(Type.String({ description: 'Its own code.' })),
    message: Nullable(Type.String({ description: 'Its own words.' })),
    trace_id: Nullable(Type.String({ description: 'Its own id of the call, for its support.' })),
  },
  { $id: 'ProviderAnswer', title: 'ProviderAnswer', description: 'What a provider said.' },
);

/** The body of a POST that needs none: Fastify would refuse an empty object where nothing is declared. */
export const NoFields = Nullable(
  Closed({}, { $id: 'NoFields', title: 'NoFields', description: 'No fields: no body, or `{}`.', examples: [{}] }),
);
