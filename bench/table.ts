/** Columns as wide as their widest cell, text to the left and numbers to the right. */
export function formatTable(head: string[], rows: (string | number | null)[][]): string {
  const texts = [head, ...rows.map((row) => row.map((cell) => (cell === null ? '–' : String(cell))))];
  const widths = head.map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[], place: number) =>
    row
      .map((text, column) => {
        const is_text = typeof rows[Math.max(0, place - 1)]?.[column] === 'string';
        return is_text ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
      })
      .join('  ')
      .trimEnd();
  const [title = '', ...lines] = texts.map(line);
  return [title, widths.map((width) => '-'.repeat(width)).join('  '), ...lines].join('\n');
}
