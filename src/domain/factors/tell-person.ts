import type { OrgWriter } from "../../db/org-db.ts";
import { personById, type PersonRow } from "../../db/queries/users.ts";
import { type MailDeps, sealMail } from "../mail/mail.ts";
import type { MailParams } from "../mail/templates.ts";

/** A mail to the person about their own factors, in the transaction of what it tells of. */
export async function tellFactorChanged(
  deps: MailDeps,
  w: OrgWriter,
  userId: string,
  params: MailParams["factor_changed"],
): Promise<void> {
  await w.rows(await sealMail(deps, { kind: "factor_changed", to: await addressOf(w, userId), params }));
}

async function addressOf(w: OrgWriter, userId: string): Promise<string> {
  const [person] = await w.rows<PersonRow>(personById(userId));
  if (person === undefined) throw new Error("the person of a session is not there");
  return person.email;
}
