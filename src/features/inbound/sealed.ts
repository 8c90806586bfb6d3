/** What a stored body is sealed for. */
export const bodyBinding = (id: string) => `inbound_bodies.body:${id}`;

/** What an event that is kept aside is sealed for. */
export const itemBinding = (body_id: string, place: number) => `inbound_items.event:${body_id}:${place}`;
