-- Why: news of a gateway's channel told the token by which the gateway is known here, to whoever hears of events.

update events
   set data = jsonb_set(data, '{webhook}', jsonb_build_object(
         'url', regexp_replace(data #>> '{webhook,url}', '(/v1/inbound/[0-9a-f-]{36}).*$', '\1'), 'verify_token', '', 'headers', '{}'::jsonb))
 where type = 'channel.status_changed' and data ->> 'type' = 'unofficial';
