/** A person at a browser who has second factors, or is about to. */
import type { Role } from "../../src/domain/access/operations.ts";
import type { CreationOptions } from "../../src/domain/factors/add-passkey.ts";
import type { RequestOptions } from "../../src/domain/factors/ask-passkey.ts";
import { sessionCookie } from "../../src/http/authenticate.ts";
import { type Api, realNow } from "../http/api.ts";
import type { Authenticator, Created, Wrong } from "./authenticator.ts";
import { type Browser, type BrowserAnswer, type BrowserOptions, openBrowser } from "./browser.ts";
import { makeMember, makePerson, makeSession, type TestPerson } from "./users.ts";

/** A browser that knows the ceremonies. */
export class FactorBrowser {
  readonly #api: Api;
  readonly #options: BrowserOptions;
  readonly #browser: Browser;

  constructor(api: Api, options: BrowserOptions = {}) {
    this.#api = api;
    this.#options = options;
    this.#browser = openBrowser(api.deps, options);
  }
  get cookies(): Map<string, string> {
    return this.#browser.cookies;
  }
  get session(): string {
    return this.cookies.get(sessionCookie) ?? "";
  }
  /** Another one with the same cookies, as a thief has it. */
  copy(options: BrowserOptions = this.#options): FactorBrowser {
    const other = new FactorBrowser(this.#api, options);
    for (const [name, value] of this.cookies) other.cookies.set(name, value);
    return other;
  }
  send: Browser["send"] = (method, path, body, headers) => this.#browser.send(method, path, body, headers);

  async creationOptions(): Promise<CreationOptions> {
    return okOf(await this.send("POST", "/v1/me/passkeys/options")) as CreationOptions;
  }
  async addPasskey(authenticator: Authenticator, wrong: Wrong = {}, name = "Laptop"): Promise<BrowserAnswer> {
    return this.register(authenticator.create(await this.creationOptions(), wrong), name);
  }
  register = (credential: Created, name = "Laptop"): Promise<BrowserAnswer> =>
    this.send("POST", "/v1/me/passkeys", { name, credential });

  async signInOptions(): Promise<RequestOptions> {
    return okOf(await this.send("POST", "/auth/passkey/options")) as RequestOptions;
  }
  signIn = (credential: Created): Promise<BrowserAnswer> => this.send("POST", "/auth/passkey", { credential });
  async ownOptions(): Promise<RequestOptions> {
    return okOf(await this.send("POST", "/v1/me/second_factor/passkey/options")) as RequestOptions;
  }
  show = (credential: Created): Promise<BrowserAnswer> => this.send("POST", "/v1/me/second_factor/passkey", { credential });
  totp = (code: string): Promise<BrowserAnswer> => this.send("POST", "/v1/me/second_factor/totp", { code });
  recover = (code: string): Promise<BrowserAnswer> => this.send("POST", "/v1/me/second_factor/recovery_code", { code });
  makesKey = (): Promise<BrowserAnswer> => this.send("POST", "/v1/api_keys", { name: "x", scopes: ["leads:read"] });
}

function okOf(answer: BrowserAnswer): unknown {
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
  return answer.json;
}

export interface SignedInPerson extends TestPerson {
  readonly browser: FactorBrowser;
  readonly sessionId: string;
}
type SessionOptions = NonNullable<Parameters<typeof makeSession>[4]>;

/** A person who has just signed in by a link, with no second factor shown, unless it is said otherwise. */
export async function signInPerson(
  api: Api,
  options: SessionOptions & {
    readonly orgId?: string;
    readonly role?: Role;
    readonly person?: TestPerson;
    readonly at?: string;
    readonly browser?: BrowserOptions;
  } = {},
): Promise<SignedInPerson> {
  const { orgId, role = "owner", person = await makePerson(api.db), at = realNow, browser: used = {}, ...more } = options;
  if (orgId !== undefined) await makeMember(api.db, orgId, person.userId, role);
  const session = await makeSession(api.db, api.deps.hashApiKey, person.userId, at, { factor: false, ...more });
  const browser = new FactorBrowser(api, used);
  const [name = "", value = ""] = (session.headers["cookie"] ?? "").split("=");
  browser.cookies.set(name, value);
  return { userId: person.userId, email: person.email, sessionId: session.id, browser };
}
