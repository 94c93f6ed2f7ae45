/** What the demo shows: headings, tables and progress bars, in a terminal or in a log. */
const terminal = process.stdout.isTTY === true;
const paint = (code: string, text: string): string =>
  terminal && !process.env["NO_COLOR"] ? `\u001B[${code}m${text}\u001B[0m` : text;

export const bold = (text: string): string => paint("1", text);
export const dim = (text: string): string => paint("2", text);
export const green = (text: string): string => paint("32", text);
export const red = (text: string): string => paint("31", text);

export const say = (text = ""): void => console.log(text);
export const heading = (text: string): void => say(`\n${bold(text)}`);

const barWidth = 28;
export function bar(done: number, total: number): string {
  const share = total <= 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(share * barWidth);
  return `${"█".repeat(filled)}${"░".repeat(barWidth - filled)} ${String(Math.round(share * 100)).padStart(3)} %`;
}

/** One line that is redrawn in a terminal; in a log only its end is kept. */
export function progress(label: string): { show(done: number, total: number, note?: string): void; end(note: string): void } {
  const line = (done: number, total: number, note: string) => `  ${label.padEnd(22)} ${bar(done, total)}  ${note}`;
  let last = [0, 0] as [number, number];
  return {
    show(done, total, note = "") {
      last = [done, total];
      if (terminal) process.stdout.write(`\r\u001B[K${line(done, total, note)}`);
    },
    end(note) {
      if (terminal) process.stdout.write("\r\u001B[K");
      say(line(Math.max(...last), Math.max(...last), note));
    },
  };
}

export function table(rows: readonly (readonly [label: string, count: number | string, note?: string])[]): void {
  const width = Math.max(12, ...rows.map(([label]) => label.length));
  for (const [label, count, note] of rows)
    say(`  ${label.padEnd(width)}  ${String(count).padStart(7)}${note === undefined ? "" : `   ${dim(note)}`}`);
}

export const counted = (counts: Readonly<Record<string, number>>): [string, number][] =>
  Object.entries(counts).toSorted(([, a], [, b]) => b - a);
