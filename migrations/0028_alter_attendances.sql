-- Why: an attendance is written anew with each event of its messages, and a name with each report that tells it. With room on its
-- page the new version needs no entry in any index (a HOT update), unless what changes is the status or the contact. Existing
-- pages stay as they are until they are written anew.

alter table attendances set (fillfactor = 80);
alter table contact_identities set (fillfactor = 80);
