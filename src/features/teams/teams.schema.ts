import { type Static, Type } from '@sinclair/typebox';
import { Closed, Id, Line, OneOf, Page, Timestamp } from '../../schema.ts';

export const TeamChannels = Closed(
  {
    scope: OneOf(['all', 'none', 'selected'], { description: '`selected`: those of `channel_ids` and no others.' }),
    channel_ids: Type.Array(Id('A channel.'), {
      maxItems: 100,
      uniqueItems: true,
      description: 'Empty unless `selected`.',
    }),
  },
  {
    $id: 'TeamChannels',
    title: 'TeamChannels',
    description: 'The channels a team works on.',
    examples: [{ scope: 'all', channel_ids: [] }],
  },
);

export const Team = Closed(
  {
    id: Id('The team.'),
    name: Type.String({ description: 'For people; unique in the account.' }),
    is_default: Type.Boolean({
      description: 'Takes receptive attendances of channels without a default team. One per account.',
    }),
    channels: Type.Ref(TeamChannels),
    created_at: Timestamp('When it was made.'),
    updated_at: Timestamp('When it was last changed.'),
  },
  {
    $id: 'Team',
    title: 'Team',
    description: 'Who looks after attendances.',
    examples: [
      {
        id: '019a0000-0000-7000-8000-0000000000d1',
        name: 'Comercial',
        is_default: true,
        channels: { scope: 'all', channel_ids: [] },
        created_at: '2026-11-22T12:00:00.000Z',
        updated_at: '2026-11-22T12:00:00.000Z',
      },
    ],
  },
);
export const TeamPage = Page(Team, 'TeamPage');

const GivenChannels = Closed({
  scope: OneOf(['all', 'none', 'selected'], { description: '`selected`: those of `channel_ids` and no others.' }),
  channel_ids: Type.Optional(
    Type.Array(Id('A channel.'), { maxItems: 100, uniqueItems: true, description: 'With `selected`.' }),
  ),
});

export const NewTeam = Closed(
  {
    name: Line(1, 200, { description: 'For people; unique in the account.', examples: ['Comercial'] }),
    is_default: Type.Optional(
      Type.Boolean({ description: 'The first team is the default one; `true` here takes that from another.' }),
    ),
    channels: Type.Optional({ ...GivenChannels, description: 'All channels, unless given.' }),
  },
  { $id: 'NewTeam', title: 'NewTeam', description: 'A team to make.', examples: [{ name: 'Comercial' }] },
);

export const TeamChange = Closed(
  {
    name: Type.Optional(Line(1, 200, { description: 'For people; unique in the account.', examples: ['Comercial'] })),
    is_default: Type.Optional(
      Type.Boolean({
        description: '`true` takes the mark from the team that has it; `false` is refused on that one: mark another.',
      }),
    ),
    channels: Type.Optional(GivenChannels),
  },
  {
    $id: 'TeamChange',
    title: 'TeamChange',
    description: 'What to change of a team; what is absent stays.',
    minProperties: 1,
    examples: [{ name: 'Vendas', channels: { scope: 'all' } }],
  },
);

export type TeamView = Static<typeof Team>;
export type NewTeamBody = Static<typeof NewTeam>;
export type TeamChangeBody = Static<typeof TeamChange>;
