/** JSON as jsonb can keep it: NUL and halves of surrogate pairs, which JSON.stringify always escapes, are replaced. */
export function toStorableJson(value: unknown): string {
  return JSON.stringify(value).replace(/\\(?:\\|u(?:0000|d[89a-f][0-9a-f]{2}))/g, (found) =>
    found === '\\\\' ? found : '\ufffd',
  );
}
