import type { settings } from '../src/config.ts';

type Settings = Record<
  string,
  Pick<(typeof settings)[keyof typeof settings], 'name' | 'description' | 'shown_default'>
>;

const cell = (text: string) => text.replaceAll('|', '\\|');
const code = (text: string) => (text === '' ? '' : `\`${text}\``);

/** docs/configuration.md: every setting with its default. */
export function renderConfiguration(all: Settings): string {
  const lines = Object.values(all).map(
    ({ name, shown_default, description }) => `| ${code(name)} | ${cell(shown_default)} | ${cell(description)} |`,
  );
  return `<!-- Generated from src/config.ts by \`npm run generate\`: do not edit. -->

# Configuration

Everything is set by environment variables, read once at start. Nothing needs to be set for a first try. A value that cannot
be used ends the process with code 78 and one sentence that names it; so does a \`CONVERSAR_\` variable that is none of these.
An empty value counts as unset, but for \`CONVERSAR_ALLOWED_PRIVATE_RANGES\`.

\`npm start\` reads no \`.env\`: export the variables, or \`set -a; . ./.env; set +a\` first, where a value with blanks, \`$\`, \`&\` or \`;\` needs single
quotes. Compose reads it: [operations.md](operations.md#compose).

| Variable | Default | What it does |
| --- | --- | --- |
${lines.join('\n')}
`;
}

/** .env.example: every setting, commented out. */
export function renderEnvironmentExample(all: Settings): string {
  const entries = Object.values(all).map(
    ({ name, shown_default, description }) => `# ${description}\n# Default: ${shown_default}\n# ${name}=\n`,
  );
  return `# Generated from src/config.ts by \`npm run generate\`: do not edit. See docs/configuration.md.\n# \`npm start\` reads no .env: export the variables, or \`set -a; . ./.env; set +a\` first. For Compose see docs/operations.md.\n\n${entries.join('\n')}`;
}
