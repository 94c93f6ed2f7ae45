import { test } from "vitest";
import { openHouse } from "../support/live-house.ts";
test("probe", async () => {
  const h = await openHouse();
  const a = await h.open("A");
  await a.leads([{ phone: "+12122340001", state: "NY" }]);
  await h.work(a);
  await a.launch(a.retell);
  await h.work(a);
  const q = async (s: string) => console.log(JSON.stringify((await h.api.db.admin(s)).rows));
  await q("select * from halts");
  await q("select reason_codes, results from decisions");
  await q("select state, reason from enrolments");
  await q("select list, result from scrubs");
  await q("select * from hour_profiles");
  await q("select state, reason from dial_attempts");
  await q("select detail from incidents");
  await h.close();
}, 120000);
