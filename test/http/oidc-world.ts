/** The API, the providers' simulators and browsers between them: who signs in goes the whole way over HTTP. */
import { type SignInPerson } from "../../dev/simulators/oidc.ts";
import { type Simulators, startSimulators } from "../../dev/simulators/simulators.ts";
import { sessionCookie } from "../../src/http/authenticate.ts";
import type { HttpDeps } from "../../src/http/http-env.ts";
import { browserCookie } from "../../src/http/routes/oidc.ts";
import { type Instant, instantOf } from "../../src/lib/instant.ts";
import { identityProvidersOf, type SignInSettings } from "../../src/providers/sign-in/configured.ts";
import { openTestDatabase } from "../support/database.ts";
import { testOrigin } from "../support/users.ts";
import { type Api, openApi } from "./api.ts";

export type Vendor = "google" | "microsoft";
export const vendors: readonly Vendor[] = ["google", "microsoft"];
export const clientSecret = "canary-client-secret-0123456789";
export const clientIds = { google: "dialgate-at-google", microsoft: "dialgate-at-microsoft" } as const;
export const callbackOf = (vendor: Vendor): string => `${testOrigin}/auth/oidc/${vendor}/callback`;
export const settings: SignInSettings = {
  GOOGLE_CLIENT_ID: clientIds.google,
  GOOGLE_CLIENT_SECRET: clientSecret,
  MICROSOFT_CLIENT_ID: clientIds.microsoft,
  MICROSOFT_CLIENT_SECRET: clientSecret,
};

type Answer = Awaited<ReturnType<Api["send"]>>;
/** One browser, with its cookies of this service. */
export interface Browser {
  readonly cookies: Map<string, string>;
  send(method: string, path: string, headers?: Record<string, string>): Promise<Answer>;
  /** Where `POST /auth/oidc/{provider}` sends it. */
  begin(vendor: Vendor, query?: string): Promise<URL>;
  /** At the provider, as this person: the address that it is sent back to. */
  allow(at: URL, email: string): Promise<URL>;
  /** Back at the service. */
  finish(back: URL, headers?: Record<string, string>): Promise<Answer>;
  /** All of it. */
  signIn(vendor: Vendor, email: string, headers?: Record<string, string>): Promise<Answer>;
}
export interface OidcWorld {
  readonly api: Api;
  readonly simulators: Simulators;
  /** Every request that left for a provider. */
  readonly left: { readonly url: string; readonly init: RequestInit }[];
  browser(): Browser;
  /** A deployment that is set up otherwise, until the next call. */
  configure(more?: SignInSettings, timeoutSeconds?: number): void;
  register(person: SignInPerson): void;
  count(table: "sessions" | "users" | "oidc_identities" | "oidc_flows"): Promise<number>;
  rows(text: string, ...params: unknown[]): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

/** A machine that does everything by itself is slow now and then; what is waited for as long as in production is tested by itself. */
const patientSeconds = 60;

/** The real clock: tokens of the simulators are dated by it. */
export const realClock = (): Instant => instantOf(Date.now() / 1000);

export async function openOidc(options: { postgres?: boolean } = {}): Promise<OidcWorld> {
  const simulators = await startSimulators();
  for (const vendor of vendors)
    simulators.identities.registerClient({
      provider: vendor,
      client_id: clientIds[vendor],
      client_secret: clientSecret,
      redirect_uris: [callbackOf(vendor)],
    });
  const left: { url: string; init: RequestInit }[] = [];
  const recording = (url: string, init: RequestInit): Promise<Response> => {
    left.push({ url, init });
    return fetch(url, init);
  };
  const providers = (more: SignInSettings = {}, timeoutSeconds = patientSeconds) =>
    identityProvidersOf({ ...settings, OIDC_ORIGIN: simulators.origin, ...more }, recording, timeoutSeconds);
  const over: Partial<HttpDeps> = { identityProviders: providers(), now: realClock };
  const api = await openApi(over, undefined, undefined, options.postgres === true ? await openTestDatabase(options) : undefined);
  const rows = async (text: string, ...params: unknown[]) => (await api.db.admin(text, params)).rows;
  return {
    api,
    simulators,
    left,
    rows,
    browser: () => openBrowser(api),
    configure: (more, timeoutSeconds) => void Object.assign(api.deps, { identityProviders: providers(more, timeoutSeconds) }),
    register: (person) => simulators.identities.registerPerson(person),
    count: async (table) => Number((await rows(`select count(*)::integer as n from ${table}`))[0]?.["n"]),
    async close() {
      await simulators.close();
      await api.close();
    },
  };
}

function openBrowser(api: Api): Browser {
  const cookies = new Map<string, string>();
  const send: Browser["send"] = async (method, path, headers = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await api.send(method, path, { headers: { ...(cookie === "" ? {} : { cookie }), ...headers } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return answer;
  };
  const begin: Browser["begin"] = async (vendor, query = "") => {
    const answer = await send("POST", `/auth/oidc/${vendor}${query}`, { "sec-fetch-site": "same-origin" });
    if (answer.status !== 200) throw new Error(`the sign-in did not begin: ${answer.status}`);
    return new URL(answer.json.url as string);
  };
  const allow: Browser["allow"] = async (at, email) => {
    const to = new URL(at);
    to.searchParams.set("login_hint", email);
    const answer = await fetch(to, { redirect: "manual" });
    const location = answer.headers.get("location");
    if (location === null) throw new Error(`the provider did not send back: ${answer.status}`);
    return new URL(location);
  };
  const finish: Browser["finish"] = (back, headers = {}) =>
    send("GET", back.pathname + back.search, { "sec-fetch-site": "cross-site", ...headers });
  return {
    cookies,
    send,
    begin,
    allow,
    finish,
    signIn: async (vendor, email, headers) => finish(await allow(await begin(vendor), email), headers),
  };
}

export { browserCookie, sessionCookie };
