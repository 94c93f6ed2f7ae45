-- Incidents close by themselves with what they were opened for. A person closes the others, with a reason.

-- An attempt that has ended is unsettled no more, and nothing of it is left to be stopped, whoever ended it. At commit: the
-- entry comes after every lock of the transaction that ended it.
create function app.close_incidents_of_attempt() returns trigger language plpgsql as $$
begin
  if app.org() is null then return null; end if;
  perform app.close_incidents(i.code, array[new.id]) from public.incidents i
    where i.org_id = (select app.org()) and i.subject_id = new.id and i.code in ('attempt_unsettled', 'stop_not_accepted') and i.closed_at is null;
  return null;
end $$;
create constraint trigger incidents_closed after update of state on dial_attempts deferrable initially deferred for each row
  when (old.state in ('dialing', 'unknown', 'placed', 'in_progress') and new.state not in ('dialing', 'unknown', 'placed', 'in_progress'))
  execute function app.close_incidents_of_attempt();

-- A webhook that was given up is made good by whatever told the rest of its call: it has ended, and who may have answered
-- it has been heard, or judged by a person.
create function app.close_incidents_of_call() returns trigger language plpgsql as $$
declare given_up uuid[];
begin
  if app.org() is null then return null; end if;
  select array_agg(w.id) into given_up from public.webhook_inbox w
    where w.org_id = (select app.org()) and w.state = 'failed' and w.connection_id = new.connection_id
      and (w.provider_call_id = new.provider_call_id or w.provider_call_id is null and w.attempt_id = new.attempt_id);
  if given_up is not null then perform app.close_incidents('webhook_not_applied', given_up); end if;
  return null;
end $$;
create constraint trigger incidents_closed after insert or update of status, disposition, stop_searched, stop_judged on calls
  deferrable initially deferred for each row
  when (new.status not in ('registered', 'in_progress') and (new.stop_searched or new.stop_judged or new.disposition not in ('answered', 'unknown')))
  execute function app.close_incidents_of_call();
revoke execute on function app.close_incidents_of_attempt(), app.close_incidents_of_call() from public;
