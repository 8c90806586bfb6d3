/** What an item's body says beside it. */
export interface Envelope {
  credentials: Record<string, string>;
  /** JID of the instance itself. */
  own: unknown;
  /** For items that tell no time; `date_time` is local time called UTC. */
  received_at: Date;
}

/** Some builds write booleans as words. */
export function isTrue(value: unknown): boolean {
  return value === true || value === 'true';
}
