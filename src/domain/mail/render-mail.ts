import type { Letter } from "../../providers/mail/contract.ts";
import { draftOf, type Link, type MailContent, product } from "./templates.ts";

/**
 * The mail in plain text and in HTML that says the same. Its only links are to `publicOrigin`; nothing is loaded from anywhere.
 * @throws RangeError when a link leads elsewhere.
 */
export function renderMail(content: MailContent, publicOrigin: string): Omit<Letter, "to"> {
  const { subject, paragraphs, link, pages = [] } = draftOf(content);
  const led = pages.map(({ words, path }) => ({ words, url: `${publicOrigin}${path}` }));
  const links = [...(link === undefined ? [] : [link]), ...led];
  for (const { url } of links) {
    if (!url.startsWith(`${publicOrigin}/`)) throw new RangeError("a mail links to this service only");
    // A break in a link would end it early, in the text as in the HTML.
    if (/[\s\p{Cc}]/u.test(url)) throw new RangeError("a link holds no white space");
  }
  const footer = `${product} · ${publicOrigin}`;
  return {
    subject,
    text: `${[...paragraphs, ...links.map(({ words, url }) => `${words}:\n${url}`), `--\n${footer}`].join("\n\n")}\n`,
    html: pageOf(subject, paragraphs, links, footer),
  };
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? "");

function pageOf(subject: string, paragraphs: readonly string[], links: readonly Link[], footer: string): string {
  const words = paragraphs.map((paragraph) => `<p>${escaped(paragraph)}</p>`);
  // The address is shown as well: a link whose target cannot be read teaches people to follow any.
  const follow = links.flatMap(({ words: shown, url }) => [
    `<p><a href="${escaped(url)}">${escaped(shown)}</a></p>`,
    `<p><small>${escaped(url)}</small></p>`,
  ]);
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    `<title>${escaped(subject)}</title></head><body style="font-family:sans-serif;max-width:36em">`,
    ...words,
    ...follow,
    `<p><small>${escaped(footer)}</small></p></body></html>`,
  ].join("\n");
}
