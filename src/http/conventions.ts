import { client_problems } from './client-error.ts';
import { field_codes } from './validation.ts';

const quoted = (codes: string[]) => [...new Set(codes)].map((code) => `\`${code}\``).join(', ');

/** Codes of faults in the shape of a request, for the document. */
export const field_code_list = quoted(field_codes.map(({ code }) => code));

const early = client_problems.map(({ kind }) => `${kind.status} \`${kind.code}\``).join(', ');

/** What holds for every operation: the head of the document, for those who hold nothing else. */
export const conventions = `
Starts customer-service conversations (attendances) on WhatsApp, over official channels (WhatsApp Business Platform: an approved template opens) and unofficial ones (gateways: a text opens, or nothing).

### Keys
\`Authorization: Bearer <key>\`. A key belongs to one account and has scopes; each operation names the one it needs. What belongs to another account is answered like what does not exist: 404.

### Values
Ids are UUIDs (version 7: a younger one sorts later). Times are RFC 3339; answers have them in UTC with milliseconds. Phone numbers are taken as people type them, with area code, and come back as E.164. Strings are Unicode text without NUL and without half a surrogate pair; anything else is 400, and so is a member of a body that the document does not know. \`traceparent\` (W3C Trace Context) is taken.

### What may be added
Within \`/v1\` nothing is taken away. Added may be, in answers and events: members, types of events, \`code\`s, and values of \`type\` and \`component\` of a template's slot and of a message's \`type\`. Let pass what you do not know. \`additionalProperties: false\` and \`enum\` in an answer say what is sent by this version.

### Refusals
Every answer that refuses is \`application/problem+json\` (RFC 9457). Branch on \`code\`, never on text; show \`detail\` to people. \`errors[]\` has one entry per fault, with its place. Each operation lists its codes; ahead of all operations stand ${early}, and for a path or method that is none 404 \`route_not_found\`.

### Repeats
A POST with an \`Idempotency-Key\` is done once: after a timeout send the same bytes under the same key. Where the parameter says so, answers are kept, refusals with 404, 409 and 422 that are not \`retryable\` among them: after correcting what was refused, take a new key. 400, 401, 403, 429 and 5xx are not kept: send again under the same key.

### Lists
Newest first, unless the operation says otherwise. \`limit\` is 1 to 100; \`next_cursor\` of one page is \`cursor\` of the next, with the same filters, and null on the last.

### Limits
Starts, later messages and retries (not \`?dry_run=true\`) draw on a budget of the account, and of the key where it has one: 500 a second and 1,000 at once, unless the operator says otherwise. Beyond it is 429 with \`Retry-After\`; 503 \`overloaded\` asks for the same. What asks somebody outside (a check, a sync, a test) may do so 8 times at once. Messages leave no faster than their channel's \`max_per_second\`, and to one person on one channel at most one in 6 s: until then they are \`queued\`.
`.trim();
