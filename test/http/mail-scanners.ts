/** What programs that read mail do with a link before its person does: gateways, previews, sandboxes, archives. */
import type { Browser, BrowserOptions, OpenPage } from "../support/browser.ts";

export interface Scanned {
  /** `/auth/link#TOKEN`, as the mail has it. */
  readonly link: string;
  readonly token: string;
  readonly email: string;
  /** One that has nothing yet. */
  browser(options?: BrowserOptions): Browser;
  /** What the asking browser has, for those who get at a part of it. */
  readonly asking: ReadonlyMap<string, string>;
}
export interface Scanner {
  readonly name: string;
  scan(mail: Scanned): Promise<unknown>;
}

const path = "/auth/link";
const opening = "/auth/link/open";
const verifier = "__Host-dialgate-signin";
const device = "__Host-dialgate-device";
const madeUp = "mAdeUpByAScannerThatNobodyEverGaveIt0000000";
const times = <R>(count: number, one: (n: number) => Promise<R>): Promise<R[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => one(n)));
async function inTurn(count: number, one: (n: number) => Promise<unknown>): Promise<void> {
  for (let n = 0; n < count; n += 1) await one(n);
}
const get =
  (headers: Record<string, string>, to = path) =>
  (mail: Scanned) =>
    mail.browser().send("GET", to, undefined, headers);
const verb =
  (method: string, to = path) =>
  (mail: Scanned) =>
    mail.browser().send(method, to);
const post = (mail: Scanned, headers: Record<string, string> = {}, body: unknown = { token: mail.token }, to = opening) =>
  mail.browser().send("POST", to, body, headers);
function withCookies(mail: Scanned, cookies: Record<string, string>): Browser {
  const browser = mail.browser();
  for (const [name, value] of Object.entries(cookies)) browser.cookies.set(name, value);
  return browser;
}
const userAgents = [
  "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2) SafeLinks", "ProofpointURLDefense/1.0", "Mimecast-URL-Protect/2.0", "BarracudaCentral", "Slackbot-LinkExpanding 1.0",
  "WhatsApp/2.24", "facebookexternalhit/1.1", "Mozilla/5.0 (compatible; Googlebot/2.1)", "TelegramBot (like TwitterBot)", "LinkedInBot/1.0", "Discordbot/2.0", "curl/8.9.1", "",
]; // prettier-ignore

/** Runs the page, and lets `work` do with it what a script-running scanner does. */
async function run(browser: Browser, to: string, work: (page: OpenPage) => Promise<unknown>) {
  const page = await browser.open(to);
  await work(page);
  await page.close();
}
/** Every form of a page at once, those that are hidden too. */
async function press(page: OpenPage): Promise<void> {
  for (const form of page.window.document.querySelectorAll("form")) form.requestSubmit();
  await page.settled();
}
const linksOf = (page: OpenPage): string[] =>
  [...page.window.document.querySelectorAll("a[href]")].map((link) => link.getAttribute("href") ?? "");
async function codeOf(mail: Scanned): Promise<string> {
  return (await post(mail)).json.code as string;
}

export const scanners: readonly Scanner[] = [
  // Fetches.
  { name: "HEAD", scan: verb("HEAD") },
  { name: "GET, the fragment cut off", scan: verb("GET") },
  { name: "GET twenty times", scan: (mail) => inTurn(20, () => verb("GET")(mail)) },
  { name: "GET twenty times at once", scan: (mail) => times(20, () => verb("GET")(mail)) },
  { name: "HEAD, then GET, then HEAD", scan: async (mail) => { for (const one of ["HEAD", "GET", "HEAD"]) await verb(one)(mail); } },
  { name: "GET with the fragment escaped into the path", scan: (mail) => verb("GET", `${path}%23${mail.token}`)(mail) },
  { name: "GET with the token as a query", scan: (mail) => verb("GET", `${path}?token=${mail.token}`)(mail) },
  { name: "GET with the token as a bare query", scan: (mail) => verb("GET", `${path}?${mail.token}`)(mail) },
  { name: "GET with the token as a path", scan: (mail) => verb("GET", `${path}/${mail.token}`)(mail) },
  { name: "GET with tracking parameters added", scan: verb("GET", `${path}?utm_source=mail&mc_cid=1`) },
  { name: "GET of the path with another case, slashes and dots", scan: async (mail) => { for (const to of ["/AUTH/LINK", "//auth/link", `${path}/`, "/auth/./link", "/auth/x/../link"]) await verb("GET", to)(mail); } },
  { name: "GET by a range of bytes", scan: get({ range: "bytes=0-0" }) },
  { name: "GET on a condition", scan: get({ "if-none-match": '"x"', "if-modified-since": "Wed, 18 Nov 2026 15:00:00 GMT" }) },
  { name: "GET as a prefetch (Purpose)", scan: get({ purpose: "prefetch" }) },
  { name: "GET as a prefetch (X-Moz)", scan: get({ "x-moz": "prefetch" }) },
  { name: "GET as a prerender (Sec-Purpose)", scan: get({ "sec-purpose": "prefetch;prerender" }) },
  { name: "GET as a preview (X-Purpose)", scan: get({ "x-purpose": "preview" }) },
  { name: "GET into a frame", scan: get({ "sec-fetch-dest": "iframe", "sec-fetch-site": "cross-site" }) },
  { name: "GET that asks to become a WebSocket", scan: get({ connection: "upgrade", upgrade: "websocket" }) },
  { name: "GET that wants to be read as a POST", scan: (mail) => get({ "x-http-method-override": "POST" }, `${opening}?token=${mail.token}`)(mail) },
  { name: "GET by link previews and gateways that name themselves", scan: async (mail) => { for (const userAgent of userAgents) await mail.browser({ userAgent }).send("GET", path); } },
  { name: "GET from many countries", scan: async (mail) => { for (const country of ["US", "IE", "NL", "SG", "T1"]) await mail.browser({ country }).send("GET", path); } },
  { name: "GET of where the token is sent", scan: (mail) => verb("GET", `${opening}?token=${mail.token}`)(mail) },
  { name: "HEAD of where the token is sent", scan: (mail) => verb("HEAD", `${opening}?token=${mail.token}`)(mail) },
  { name: "OPTIONS", scan: verb("OPTIONS") },
  { name: "a preflight for a script of another site", scan: (mail) => mail.browser().send("OPTIONS", opening, undefined, { origin: "https://scan.example", "access-control-request-method": "POST", "access-control-request-headers": "content-type" }) },
  { name: "PUT, PATCH, DELETE and PROPFIND", scan: async (mail) => { for (const one of ["PUT", "PATCH", "DELETE", "PROPFIND"]) { await verb(one)(mail); await verb(one, opening)(mail); } } },
  // Posts by itself.
  { name: "POST of the token without any cookie", scan: (mail) => post(mail) },
  { name: "POST of the token twenty times", scan: (mail) => inTurn(20, () => post(mail)) },
  { name: "POST of the token fifty times at once", scan: (mail) => times(50, () => post(mail)) },
  { name: "POST with a made-up verifier", scan: (mail) => withCookies(mail, { [verifier]: madeUp }).send("POST", opening, { token: mail.token }) },
  { name: "POST with the token as the verifier", scan: (mail) => withCookies(mail, { [verifier]: mail.token }).send("POST", opening, { token: mail.token }) },
  { name: "POST with an empty, a short and a long verifier", scan: async (mail) => { for (const value of ["", "x", madeUp.repeat(4)]) await withCookies(mail, { [verifier]: value }).send("POST", opening, { token: mail.token }); } },
  { name: "POST with the asking browser's device cookie alone", scan: (mail) => withCookies(mail, { [device]: mail.asking.get(device) ?? "" }).send("POST", opening, { token: mail.token }) },
  { name: "POST with the asking browser's verifier under other names", scan: (mail) => withCookies(mail, { "dialgate-signin": mail.asking.get(verifier) ?? "", "__Secure-dialgate-signin": mail.asking.get(verifier) ?? "" }).send("POST", opening, { token: mail.token }) },
  { name: "POST with a verifier that it got by asking for a link of its own", scan: async (mail) => { const own = mail.browser(); await own.send("POST", path, { email: "scanner@gateway.test" }); await own.send("POST", opening, { token: mail.token }); } },
  { name: "POST after asking for another link to the same address", scan: async (mail) => { const own = mail.browser(); await own.send("POST", path, { email: mail.email }); await own.send("POST", opening, { token: mail.token }); } },
  { name: "POST that says nothing of where it comes from", scan: (mail) => post(mail, { "sec-fetch-site": "" }) },
  { name: "POST with our own origin in its header", scan: (mail) => post(mail, { "sec-fetch-site": "same-origin", origin: "https://api.dialgate.test" }) },
  { name: "POST from another site", scan: (mail) => post(mail, { "sec-fetch-site": "cross-site", origin: "https://scan.example" }) },
  { name: "POST as a form", scan: (mail) => post(mail, { "content-type": "application/x-www-form-urlencoded" }, `token=${mail.token}`) },
  { name: "POST as a form with files", scan: (mail) => post(mail, { "content-type": "multipart/form-data; boundary=x" }, `--x\r\nContent-Disposition: form-data; name="token"\r\n\r\n${mail.token}\r\n--x--`) },
  { name: "POST as plain text", scan: (mail) => post(mail, { "content-type": "text/plain" }) },
  { name: "POST with the token in the query", scan: (mail) => post(mail, {}, {}, `${opening}?token=${mail.token}`) },
  { name: "POST with the token in a header", scan: (mail) => post(mail, { authorization: `Bearer ${mail.token}` }, {}) },
  { name: "POST of the token to the link itself", scan: (mail) => post(mail, {}, { token: mail.token }, path) },
  { name: "POST of the token in lower case, cut, and with what stood behind it", scan: async (mail) => { for (const token of [mail.token.toLowerCase(), mail.token.slice(0, -1), `${mail.token}.`, `${mail.token}>`, `${mail.token}=`, ` ${mail.token}`]) await post(mail, {}, { token }); } },
  { name: "POST of the token twice in one body, in a list, and in a wrapper", scan: async (mail) => { for (const body of [`{"token":"${mail.token}","token":"${mail.token}"}`, `{"token":["${mail.token}"]}`, `[{"token":"${mail.token}"}]`]) await post(mail, {}, body); } },
  // Runs scripts.
  { name: "a script-running GET that waits", scan: (mail) => run(mail.browser(), mail.link, (page) => new Promise((resolve) => setTimeout(() => resolve(page.text()), 20))) },
  { name: "a script-running GET that presses the button", scan: (mail) => run(mail.browser(), mail.link, (page) => page.submit("open")) },
  { name: "a script-running GET that presses the button again and again", scan: (mail) => run(mail.browser(), mail.link, (page) => inTurn(5, () => page.submit("open"))) },
  { name: "a script-running GET that submits every form", scan: (mail) => run(mail.browser(), mail.link, press) },
  { name: "a script-running GET that keeps its cookies, comes twice and presses", scan: async (mail) => { const own = mail.browser(); await run(own, mail.link, (page) => page.submit("open")); await run(own, mail.link, (page) => page.submit("open")); } },
  { name: "a script-running GET of the link whose fragment was moved into the query", scan: (mail) => run(mail.browser(), `${path}?${mail.token}`, (page) => page.submit("open").catch(() => undefined)) },
  { name: "a script-running crawl that follows the page's links and fills its forms", scan: (mail) => run(mail.browser(), mail.link, async (page) => { await page.submit("open"); for (const to of linksOf(page)) await run(mail.browser(), to, async (next) => { await press(next); if (to !== "/auth/sign-in") return; next.fill("email", mail.email); await next.submit("ask"); next.fill("code", "00000000"); await next.submit("enter"); }); }) },
  { name: "twenty script-running sandboxes at once", scan: (mail) => times(20, () => run(mail.browser(), mail.link, (page) => page.submit("open"))) },
  { name: "a sandbox that is signed in as someone else", scan: async (mail) => { const own = withCookies(mail, { "__Host-dialgate-session": "dgs_madeup" }); await run(own, mail.link, (page) => page.submit("open")); } },
  // Goes on with the code.
  { name: "a code that it was shown, entered without a cookie", scan: async (mail) => post(mail, {}, { code: await codeOf(mail) }, "/auth/link/relay") },
  { name: "a code that it was shown, entered with a made-up verifier", scan: async (mail) => withCookies(mail, { [verifier]: madeUp }).send("POST", "/auth/link/relay", { code: await codeOf(mail) }) },
  { name: "a code that it was shown, entered with a verifier of its own", scan: async (mail) => { const own = mail.browser(); await own.send("POST", path, { email: "scanner@gateway.test" }); await own.send("POST", "/auth/link/relay", { code: await codeOf(mail) }); } },
  // People.
  { name: "the link opened by its person in another browser, and left", scan: (mail) => run(mail.browser(), mail.link, (page) => page.submit("open")) },
  { name: "the link opened on two phones, by a code and by a press", scan: (mail) => times(2, () => run(mail.browser({ userAgent: "Mozilla/5.0 (iPhone) Safari/604.1" }), mail.link, (page) => page.submit("open"))) },
  { name: "the mail forwarded to a colleague, who presses the button", scan: (mail) => run(mail.browser({ country: "BR" }), mail.link, (page) => page.submit("open")) },
]; // prettier-ignore
