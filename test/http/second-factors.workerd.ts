/** Passkeys and codes where they run: the libraries in workerd, with its own WebCrypto, behind the configured origin. */
import { expect, test } from "vitest";
import type { CreationOptions } from "../../src/domain/factors/add-passkey.ts";
import type { RequestOptions } from "../../src/domain/factors/ask-passkey.ts";
import { apiKeyHasher } from "../../src/lib/api-key.ts";
import { type Instant, instantOf } from "../../src/lib/instant.ts";
import { Authenticator } from "../support/authenticator.ts";
import type { TestDatabase } from "../support/database.ts";
import type { InWorkerd } from "../support/in-workerd.ts";
import { totpCodeAt } from "../support/totp.ts";
import { makePerson, makeSession } from "../support/users.ts";

const now = (): Instant => instantOf(Date.now() / 1000);
export function secondFactorsInWorkerd(worker: InWorkerd): void {
  /** Keeps its cookies. */
  function browserWith(cookies: Map<string, string>) {
    return async (method: string, path: string, body?: unknown) => {
      const answer = await fetch(`${worker.stack.origin}${path}`, {
        method,
        headers: {
          cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
          "sec-fetch-site": "same-origin",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      for (const line of answer.headers.getSetCookie()) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (value === "") cookies.delete(name);
        else cookies.set(name, value);
      }
      // oxlint-disable-next-line typescript/no-explicit-any -- a test reads what the wire says
      return { status: answer.status, json: (await answer.json()) as any };
    };
  }
  async function signIn() {
    const db = worker.stack as unknown as TestDatabase;
    const hash = await apiKeyHasher(new Uint8Array(Buffer.from(worker.stack.secrets["API_KEY_PEPPER"] ?? "", "base64")));
    const person = await makePerson(db);
    const session = await makeSession(db, hash, person.userId, now(), { factor: false });
    const [name = "", value = ""] = (session.headers["cookie"] ?? "").split("=");
    return { ...person, send: browserWith(new Map([[name, value]])) };
  }

  test("a passkey of each algorithm is added and signs in; one that verified nobody, or answered elsewhere, does not", async () => {
    for (const algorithm of ["ES256", "EdDSA", "RS256"] as const) {
      const { send } = await signIn();
      const authenticator = new Authenticator(worker.stack.origin, algorithm);
      const options = (await send("POST", "/v1/me/passkeys/options")).json as CreationOptions;
      expect(options.rp.id).toBe("localhost");
      const added = await send("POST", "/v1/me/passkeys", { name: algorithm, credential: authenticator.create(options) });
      expect([added.status, worker.log().slice(-5)], JSON.stringify(added.json)).toEqual([201, expect.anything()]);
      const elsewhere = browserWith(new Map());
      const ask = async () => (await elsewhere("POST", "/auth/passkey/options")).json as RequestOptions;
      const answer = async (wrong: Parameters<Authenticator["get"]>[1]) =>
        elsewhere("POST", "/auth/passkey", { credential: authenticator.get(await ask(), wrong) });
      for (const wrong of [
        { flags: { userVerified: false } },
        { clientData: { origin: "https://evil.example" } },
        { rpId: "evil.example" },
        { signature: (bytes: Buffer) => Buffer.from(bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte))) },
      ]) {
        const refused = await answer(wrong);
        expect([algorithm, refused.status, refused.json.code]).toEqual([algorithm, 403, "factor_refused"]);
      }
      const signedIn = await answer({});
      expect([algorithm, signedIn.status, signedIn.json.status]).toEqual([algorithm, 200, "signed_in"]);
      const me = await elsewhere("GET", "/v1/me");
      expect(me.json.second_factor_at).not.toBeNull();
    }
    expect(worker.log().filter((line) => line.includes('"error"'))).toEqual([]);
  }, 60_000); // prettier-ignore

  test("an authenticator is added by its first code, and its secret is in no row and no log", async () => {
    const { send, userId } = await signIn();
    const { base32 } = (await send("POST", "/v1/me/totp")).json.secret;
    const wrong = await send("POST", "/v1/me/totp/confirm", { code: totpCodeAt(base32, now(), 50) });
    expect([wrong.status, wrong.json.code]).toEqual([403, "factor_refused"]);
    const confirmed = await send("POST", "/v1/me/totp/confirm", { code: totpCodeAt(base32, now()) });
    expect([confirmed.status, confirmed.json.status], JSON.stringify(confirmed.json)).toEqual([200, "confirmed"]);
    const [code] = confirmed.json.secret.recovery_codes as string[];
    const shown = await send("POST", "/v1/me/second_factor/recovery_code", { code });
    expect([shown.status, shown.json.method]).toEqual([200, "recovery_code"]);
    const { rows } = await worker.stack.admin("select t::text as row from totp_factors t where t.user_id = $1", [userId]);
    expect(rows).toHaveLength(1);
    const said = [...worker.log(), String(rows[0]?.["row"])].join("\n");
    expect([said.includes(base32), said.includes(String(code))]).toEqual([false, false]);
  }, 60_000);
}
