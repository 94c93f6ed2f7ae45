/**
 * An operator of the platform on the local stack, whose database takes no connection but the app role's: nobody could write the
 * row that docs/operating.md shows. It is written as the database's owner, in this process; no route and no key does it.
 */
import { randomBytes } from "node:crypto";
import { uuidV7 } from "../src/lib/uuid-v7.ts";

type AsOwner = (text: string, params?: readonly unknown[]) => Promise<unknown>;

/** They sign in by mail, as everyone does, and show a second factor before they open a grant. */
export async function makeOperator(asOwner: AsOwner, email: string): Promise<void> {
  const id = uuidV7(Date.now(), randomBytes(10));
  await asOwner(
    `with person as (
       insert into users (id, email, created_at) values ($1, $2, now())
         on conflict (email) do update set email = excluded.email returning id)
     insert into operators (user_id, since, note) select id, date_trunc('second', now()), 'made by the local stack' from person
       on conflict (user_id) do nothing`,
    [id, email],
  );
}
