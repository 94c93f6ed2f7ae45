export interface Notice {
  readonly status: number;
  readonly title: string;
  readonly paragraphs: readonly string[];
  /** Where to go from here, within this service. */
  readonly link?: { readonly path: string; readonly words: string };
  readonly headers?: Readonly<Record<string, string>>;
}

/** A page that tells somebody something: words of ours, and nothing of a request. No script, nothing loaded from anywhere. */
export function noticePage({ status, title, paragraphs, link, headers = {} }: Notice): Response {
  const html = [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escaped(title)} · Dialgate</title></head><body><main>`,
    `<h1>${escaped(title)}</h1>`,
    ...paragraphs.map((paragraph) => `<p>${escaped(paragraph)}</p>`),
    ...(link === undefined ? [] : [`<p><a href="${escaped(link.path)}">${escaped(link.words)}</a></p>`]),
    "</main></body></html>",
  ].join("\n");
  return new Response(html, { status, headers: { ...pageHeaders, ...headers } });
}

const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cache-control": "no-store",
  // Its address may hold a code.
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-robots-tag": "noindex",
};

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? "");
