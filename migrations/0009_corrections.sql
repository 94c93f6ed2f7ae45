-- What an integrator corrects of a lead after intake.

grant update (candidate_states) on leads to dialgate_app;

-- The lead's places follow the hours of its candidate states, also those that are done: a later report may open one again.
-- What waits for one of these reasons is asked again at once, because the reason was the old place's. What is held is the
-- standing mark's to open. The caller holds the org, so that nobody enrols by the old states meanwhile, and the person.
create function app.move_enrolments(lead uuid, reasons text[]) returns integer language plpgsql as $$
declare target text; profiles uuid[]; due timestamptz[]; moved integer;
begin
  select l.candidate_states into target from public.leads l where l.org_id = (select app.org()) and l.id = lead;
  perform 1 from public.enrolments e where e.org_id = (select app.org()) and e.lead_id = lead order by e.id for no key update;
  insert into public.hour_profiles (org_id, id, campaign_id, candidate_states)
    select app.org(), gen_random_uuid(), e.campaign_id, target from public.enrolments e
      where e.org_id = (select app.org()) and e.lead_id = lead order by e.campaign_id
    on conflict (org_id, campaign_id, candidate_states) do nothing;
  with moving as (
    select e.id, p.id as profile_id, e.state = 'waiting' and e.reason = any (reasons) as again,
        e.profile_id <> p.id or e.state = 'waiting' and e.reason = any (reasons) as stirred
      from public.enrolments e join public.hour_profiles p
        on p.org_id = (select app.org()) and p.campaign_id = e.campaign_id and p.candidate_states = target
      where e.org_id = (select app.org()) and e.lead_id = lead),
  written as (
    update public.enrolments e set profile_id = m.profile_id, due_at = case when m.again then app.now() else e.due_at end
      from moving m where e.org_id = (select app.org()) and e.id = m.id and m.stirred
      returning e.profile_id, e.due_at, e.state)
  select count(*) filter (where w.state <> 'done'), array_agg(w.profile_id) filter (where w.state = 'waiting'),
      array_agg(w.due_at) filter (where w.state = 'waiting')
    into moved, profiles, due from written w;
  if profiles is not null then perform app.profiles_due(profiles, due); end if;
  return moved;
end $$;
revoke execute on function app.move_enrolments(uuid, text[]) from public;
grant execute on function app.move_enrolments(uuid, text[]) to dialgate_app;
