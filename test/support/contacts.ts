import type { ContactView } from '../../src/features/contacts/contacts.schema.ts';
import type { TypedClient } from './typed-client.ts';

export interface ContactPageView {
  data: ContactView[];
  next_cursor: string | null;
}

export async function addContact(client: TypedClient, body: Record<string, unknown>): Promise<ContactView> {
  const reply = await client.post<ContactView>('/v1/contacts', body);
  if (reply.status !== 201) throw new Error(`POST /v1/contacts: ${reply.text}`);
  return reply.body;
}

/** The names that a search shows, in its order. */
export async function searchNames(client: TypedClient, search: string): Promise<(string | null)[]> {
  const reply = await client.get<ContactPageView>(`/v1/contacts?search=${encodeURIComponent(search)}`);
  return reply.body.data.map((contact) => contact.name);
}
