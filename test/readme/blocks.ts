/** The fenced blocks of a Markdown page, and how what they print is compared. */

/** One fenced block: ```` ```sh api ```` has the language `sh` and the kind `api`. */
export interface Block {
  readonly language: string;
  readonly kind: string;
  readonly text: string;
  readonly line: number;
}

export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: { language: string; kind: string; lines: string[]; line: number } | undefined;
  for (const [index, line] of markdown.split("\n").entries()) {
    const fence = /^```(\w*) ?(.*)$/.exec(line);
    if (open === undefined && fence !== null) {
      open = { language: fence[1] ?? "", kind: (fence[2] ?? "").trim(), lines: [], line: index + 1 };
    } else if (open !== undefined && line === "```") {
      blocks.push({ language: open.language, kind: open.kind, text: open.lines.join("\n"), line: open.line });
      open = undefined;
    } else open?.lines.push(line);
  }
  if (open !== undefined) throw new Error(`the block of line ${open.line} does not end`);
  return blocks;
}

/** The commands of a block: comments and blank lines left out, continued lines joined. */
export const commandsOf = (block: Block): string[] =>
  block.text
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line !== "" && !line.startsWith("#"));

/** What differs from run to run, by form: ids, digests, local ports, the length of a chain. All else must be as it is printed. */
export const comparable = (text: string): string =>
  text
    .replaceAll(/\b([a-z]{2,6})_[0-9a-hjkmnp-tv-z]{26}\b/g, "$1_…")
    .replaceAll(/\bcall_[0-9a-f]{28}\b/g, "call_…")
    .replaceAll(/\b(\d+ entries|\d+:[0-9a-f]{64}\b)/g, "<chain>")
    .replaceAll(/http:\/\/(localhost|127\.0\.0\.1):\d+/g, "http://$1")
    .replaceAll(/[ \t]+$/gm, "")
    .trim();

/** Cells of the first Markdown table below a heading. */
export function tableUnder(markdown: string, heading: string): string[][] {
  const lines = markdown.split("\n");
  const from = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, "") === heading);
  if (from < 0) throw new Error(`no heading ${heading}`);
  const start = lines.findIndex((line, index) => index > from && line.startsWith("|"));
  const rows: string[][] = [];
  for (const line of lines.slice(start)) {
    if (!line.startsWith("|")) break;
    rows.push(
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  }
  // The header and its rule are no rows.
  return rows.slice(2);
}
