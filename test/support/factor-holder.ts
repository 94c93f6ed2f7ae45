/** A person at a browser: it sends what a browser sends from our own pages, and keeps the cookies that it is given. */
import type { Role } from "../../src/domain/access/operations.ts";
import type { CreationOptions } from "../../src/domain/factors/add-passkey.ts";
import type { RequestOptions } from "../../src/domain/factors/ask-passkey.ts";
import { type Api, realNow } from "../http/api.ts";
import type { Authenticator, Created, Wrong } from "./authenticator.ts";
import { makeMember, makePerson, makeSession, type TestPerson } from "./users.ts";

type Answer = Awaited<ReturnType<Api["send"]>>;

export class Browser {
  readonly #api: Api;
  readonly cookies = new Map<string, string>();

  constructor(api: Api, cookie?: string) {
    this.#api = api;
    if (cookie !== undefined) this.#keep(cookie);
  }
  /** Another one with the same cookies, as a thief has it. */
  copy(): Browser {
    const other = new Browser(this.#api);
    for (const [name, value] of this.cookies) other.cookies.set(name, value);
    return other;
  }
  get session(): string {
    return this.cookies.get("__Host-dialgate-session") ?? "";
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await this.#api.send(method, path, {
      ...(body === undefined ? {} : { body }),
      headers: { ...(cookie === "" ? {} : { cookie }), "sec-fetch-site": "same-origin", ...headers },
    });
    for (const set of answer.headers.getSetCookie()) this.#keep(set);
    return answer;
  }
  #keep(set: string): void {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
    if (value === "") this.cookies.delete(name);
    else this.cookies.set(name, value);
  }

  async creationOptions(): Promise<CreationOptions> {
    return expectOk(await this.send("POST", "/v1/me/passkeys/options")) as CreationOptions;
  }
  async addPasskey(authenticator: Authenticator, wrong: Wrong = {}, name = "Laptop"): Promise<Answer> {
    return this.register(authenticator.create(await this.creationOptions(), wrong), name);
  }
  register = (credential: Created, name = "Laptop"): Promise<Answer> =>
    this.send("POST", "/v1/me/passkeys", { name, credential });

  async signInOptions(): Promise<RequestOptions> {
    return expectOk(await this.send("POST", "/auth/passkey/options")) as RequestOptions;
  }
  signIn = (credential: Created): Promise<Answer> => this.send("POST", "/auth/passkey", { credential });
  async ownOptions(): Promise<RequestOptions> {
    return expectOk(await this.send("POST", "/v1/me/second_factor/passkey/options")) as RequestOptions;
  }
  show = (credential: Created): Promise<Answer> => this.send("POST", "/v1/me/second_factor/passkey", { credential });
  totp = (code: string): Promise<Answer> => this.send("POST", "/v1/me/second_factor/totp", { code });
  recover = (code: string): Promise<Answer> => this.send("POST", "/v1/me/second_factor/recovery_code", { code });
}

function expectOk(answer: Answer): unknown {
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
  return answer.json;
}

export interface SignedIn extends TestPerson {
  readonly browser: Browser;
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
  } = {},
): Promise<SignedIn> {
  const { orgId, role = "owner", person = await makePerson(api.db), at = realNow, ...more } = options;
  if (orgId !== undefined) await makeMember(api.db, orgId, person.userId, role);
  const session = await makeSession(api.db, api.deps.hashApiKey, person.userId, at, { factor: false, ...more });
  return { ...person, sessionId: session.id, browser: new Browser(api, session.headers["cookie"]) };
}
