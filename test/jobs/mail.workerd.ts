/** The deployed shape: queue, cron and adapter inside workerd, as `wrangler dev` runs them. */
import { expect, test } from "vitest";
import { neonTransport } from "../../src/db/transport.ts";
import { SystemDb } from "../../src/db/system-db.ts";
import { sealMail } from "../../src/domain/mail/mail.ts";
import { importKeyring } from "../../src/lib/sealing.ts";
import { sealedLetters } from "../../src/providers/mail/sealed-letter.ts";
import type { InWorkerd } from "../support/in-workerd.ts";
import { testPeppers } from "../support/peppers.ts";
import { newId } from "../support/world.ts";

export function mailInWorkerd(worker: InWorkerd): void {
  test("a mail that was queued is in the mailbox after the next tick, and its row is wiped", { timeout: 60_000 }, async () => {
    const secret = (name: string): string => worker.stack.secrets[name] ?? "";
    const keyring = await importKeyring({ V1: secret("KEY_ENCRYPTION_KEYS").slice(2) }, "V1");
    const nobody = { send: () => Promise.reject(new Error("not asked")) };
    const id = newId();
    const deps = { newId: () => id, publicOrigin: worker.stack.origin, sealLetter: sealedLetters(keyring, nobody).seal };
    const params = { url: `${worker.stack.origin}/sign-in#token`, minutes: 15 };
    const transport = neonTransport(secret("DATABASE_URL"), { address: secret("NEON_LOCAL_ENDPOINT") });
    await new SystemDb(transport, newId, testPeppers).query(
      await sealMail(deps, { kind: "sign_in_link", params, to: "ben@example.com" }),
    );
    await worker.stack.tick();
    const mailbox = async (): Promise<{ data: { from: string; text: string }[] }> =>
      (await fetch(`${worker.stack.simulators.origin}/mailbox?to=ben@example.com`)).json() as never;
    const row = async () => (await worker.stack.admin("select sealed, sent_at from mails where id = $1", [id])).rows;
    const deadline = Date.now() + 30_000;
    while ((await row())[0]?.["sent_at"] === null && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await mailbox()).data).toEqual([
      expect.objectContaining({ from: secret("MAIL_FROM"), text: expect.stringContaining(params.url) }),
    ]);
    expect(await row()).toEqual([{ sealed: null, sent_at: expect.anything() }]);
  });
}
