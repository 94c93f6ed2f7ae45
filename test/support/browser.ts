/** A browser as the API meets it: it keeps its cookies, says where it asks from, and runs the pages' scripts. */
import { Window } from "happy-dom";
import { createApp } from "../../src/http/app.ts";
import type { HttpDeps } from "../../src/http/http-env.ts";
import { noteAnswer } from "./told-events.ts";

export interface BrowserOptions {
  readonly country?: string;
  readonly userAgent?: string;
  /** What Cloudflare says that it comes from. */
  readonly address?: string;
  /** Called for each request that it makes, by a script of a page too. */
  onRequest?(method: string, path: string): void;
}
export interface BrowserAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test reads what the wire says
  readonly json: any;
}
export interface OpenPage {
  readonly window: Window;
  /** What is shown, but for what is hidden. */
  text(): string;
  /** What its script asked the API for. */
  readonly asked: { readonly path: string; readonly body: string; readonly answer: BrowserAnswer }[];
  /** What its script asked the person to agree to. */
  readonly questions: string[];
  /** Where its script sent the browser, which does not go there. */
  readonly sentTo: string[];
  fill(id: string, value: string): void;
  /** Presses a form's button, or the first of another part, and waits until its script has done with it. */
  submit(id: string): Promise<void>;
  /** Presses the button of this name, as a screen reader reads it out. */
  press(name: string | RegExp): Promise<void>;
  /** No script waits for an answer. */
  settled(): Promise<void>;
  close(): Promise<void>;
}
export interface Browser {
  readonly cookies: Map<string, string>;
  /** A header that is empty is not sent. */
  send(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<BrowserAnswer>;
  open(path: string): Promise<OpenPage>;
  /** What it has for passkeys; none unless it is given one. */
  authenticator: { get(options: never): object; create(options: never): { readonly id: string } } | null;
  /** Whether its person agrees to what a page asks. */
  agrees: boolean;
  /** What its person enters where a page asks for words; null: nothing. */
  enters: string | null;
}

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const app = createApp();
let addresses = 0;

export function openBrowser(deps: HttpDeps, options: BrowserOptions = {}): Browser {
  const cookies = new Map<string, string>();
  addresses += 1;
  const address = options.address ?? `203.0.113.${addresses % 250}`;
  const keep = (answer: Response): void => {
    for (const line of answer.headers.getSetCookie()) {
      const [pair = "", ...rules] = line.split("; ");
      const [name = "", value = ""] = pair.split("=");
      if (rules.includes("Max-Age=0")) cookies.delete(name);
      else cookies.set(name, value);
    }
  };
  const send: Browser["send"] = async (method, path, body, headers = {}) => {
    options.onRequest?.(method, path);
    const jar = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const raw = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const sent: Record<string, string> = {
      "user-agent": options.userAgent ?? firefox,
      "sec-fetch-site": "same-origin",
      "cf-connecting-ip": address,
      cookie: jar,
      "content-type": raw === undefined ? "" : "application/json",
      ...headers,
    };
    const request = new Request(new URL(path.split("#")[0] ?? "", deps.publicOrigin), {
      method,
      headers: Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== "")),
      ...(raw === undefined ? {} : { body: raw as string }),
    });
    const cf = options.country === undefined ? {} : { cf: { country: options.country } };
    const answer = await app.fetch(Object.assign(request, cf), deps);
    noteAnswer(deps, answer, `${method} ${path}`);
    keep(answer);
    const text = await answer.text();
    const isJson = /json/.test(answer.headers.get("content-type") ?? "");
    return { status: answer.status, headers: answer.headers, text, json: isJson && text !== "" ? JSON.parse(text) : null };
  };
  const browser: Browser = {
    cookies,
    send,
    authenticator: null,
    agrees: true,
    enters: null,
    open: (path) => openPage(browser, deps.publicOrigin, path),
  };
  return browser;
}

async function openPage(browser: Browser, origin: string, path: string): Promise<OpenPage> {
  const { send, authenticator } = browser;
  const served = await send("GET", path, undefined, { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" });
  if (served.status !== 200) throw new Error(`${path}: ${served.status}`);
  const settings = { enableJavaScriptEvaluation: true, suppressInsecureJavaScriptEnvironmentWarning: true };
  const window = new Window({ url: `${origin}${path}`, settings: settings as never });
  const asked: { path: string; body: string; answer: BrowserAnswer }[] = [];
  const fetched = async (to: string, init: { method: string; body: string; headers: Record<string, string> }) => {
    const answer = await send(init.method, to, init.body, init.headers);
    asked.push({ path: to, body: init.body, answer });
    return { ok: answer.status < 300, status: answer.status, headers: answer.headers, json: async () => answer.json };
  };
  const [questions, sentTo]: [string[], string[]] = [[], []];
  const confirm = (words: string): boolean => (questions.push(words), browser.agrees);
  const prompt = (words: string): string | null => (questions.push(words), browser.enters);
  Object.assign(window, { fetch: fetched, confirm, prompt });
  const leave = (to: string): void => void sentTo.push(to);
  Object.assign(window.location, { assign: leave, replace: leave });
  if (authenticator !== null) {
    // As a browser has it: options and answers go through its JSON.
    class PublicKeyCredential {
      static parseRequestOptionsFromJSON = (options: object): object => options;
      static parseCreationOptionsFromJSON = (options: object): object => options;
    }
    const answered = (answer: object) => ({ ...answer, toJSON: () => answer });
    const get = async ({ publicKey }: { publicKey: never }) => answered(authenticator.get(publicKey));
    const create = async ({ publicKey }: { publicKey: never }) => answered(authenticator.create(publicKey));
    Object.assign(window, { PublicKeyCredential });
    Object.defineProperty(window.navigator, "credentials", { value: { get, create } });
  }
  window.document.write(served.text);
  const settled = async () => {
    while (window.document.querySelector("button[disabled]") !== null) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  // A script that begins by itself has done so.
  await settled();
  return {
    window,
    asked,
    questions,
    sentTo,
    text: () => [...window.document.querySelectorAll("h1, h2, h3, p, li, output, label, button")].filter((one) => one.closest("[hidden], noscript") === null).map((one) => one.textContent).join("\n"),
    fill(id, value) {
      (window.document.getElementById(id) as unknown as { value: string }).value = value;
    },
    async submit(id) {
      (window.document.querySelector(`#${id} button`) as unknown as { click(): void }).click();
      await settled();
    },
    async press(name) {
      const buttons = [...window.document.querySelectorAll("button")].filter((one) => one.closest("[hidden]") === null);
      const nameOf = (one: (typeof buttons)[number]) => one.getAttribute("aria-label") ?? one.textContent ?? "";
      const found = buttons.filter((one) => (typeof name === "string" ? nameOf(one) === name : name.test(nameOf(one))));
      if (found.length !== 1) throw new Error(`${found.length} buttons ${name}: ${buttons.map(nameOf).join(" | ")}`);
      found[0]?.click();
      await settled();
    },
    settled,
    close: () => window.happyDOM.close(),
  };
} // prettier-ignore

/** The path of the newest link that was sent to the address, token included. */
export async function newestLink(
  mailbox: { read(to?: string): Promise<readonly { readonly text: string; readonly subject: string }[]> },
  to: string,
): Promise<string> {
  const letters = (await mailbox.read(to)).filter(({ subject }) => subject.startsWith("Sign in"));
  const path = /https:\/\/[^/\s]+(\/auth\/link#\S+)/.exec(letters.at(-1)?.text ?? "")?.[1];
  if (path === undefined) throw new Error("no link was sent");
  return path;
}
export const tokenOf = (path: string): string => path.split("#")[1] ?? "";
