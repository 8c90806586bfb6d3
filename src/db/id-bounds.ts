/** The lowest UUID v7 of a time, in milliseconds since 1970: ids made then and later are not below it. */
export function lowestIdAt(at_ms: number): string {
  const hex = Math.max(0, Math.floor(at_ms)).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
