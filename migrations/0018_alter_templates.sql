-- Why: what Meta thinks of a template's quality, told between two syncs, warns before the template is paused.

alter table templates
  add column quality text not null default 'unknown' check (quality in ('green', 'yellow', 'red', 'unknown'));
