type Members = Record<string, unknown>;

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `blank` in the place of what is there; members that are not there stay away, so that the shape is as documented. */
function blanked(members: Members, blank: Members): Members {
  return Object.fromEntries(
    Object.entries(members).map(([name, value]) => [name, name in blank ? blank[name] : value]),
  );
}

/** The same function of each object in a list, of an object, or nothing of null. */
function each(value: unknown, change: (members: Members) => Members): unknown {
  if (Array.isArray(value)) return value.map((one) => each(one, change));
  return isMembers(value) ? change(value) : value;
}

/** An event's data as it may stay once its contact is erased: the same shape, nothing that names the person. */
export function blankEvent(type: string, data: unknown): unknown {
  switch (type.split('.')[0]) {
    case 'contact':
      return each(data, blankContact);
    case 'message':
      return each(data, blankMessage);
    default:
      return each(data, blankAttendance);
  }
}

const blankContact = (contact: Members): Members =>
  blanked(contact, {
    name: null,
    profile_name: null,
    phone: null,
    phone_national: null,
    email: null,
    external_ref: null,
    metadata: {},
    identities: [],
    marketing_opted_out_at: null,
  });

/** Who of the company started it stays. */
const blankAttendance = (attendance: Members): Members =>
  blanked(attendance, {
    contact: each(attendance.contact, (contact) => blanked(contact, { name: null, phone: null })),
    first_message: each(attendance.first_message, (message) =>
      blanked(message, { text: null, error: blankError(message.error) }),
    ),
    external_ref: null,
    metadata: {},
    close_reason: null,
  });

const blankMessage = (message: Members): Members =>
  blanked(message, {
    text: null,
    media: null,
    provider_message_id: null,
    template: each(message.template, (template) => blanked(template, { parameters: {} })),
    error: blankError(message.error),
    attempts: each(message.attempts, (attempt) => blanked(attempt, { error: blankError(attempt.error) })),
    resolutions: each(message.resolutions, (resolution) => blanked(resolution, { reason: null })),
  });

/** A provider's words may repeat a number, and its trace leads back to the person. */
const blankError = (error: unknown): unknown =>
  each(error, (members) =>
    blanked(members, {
      provider: each(members.provider, (provider) => blanked(provider, { message: null, trace_id: null })),
    }),
  );
