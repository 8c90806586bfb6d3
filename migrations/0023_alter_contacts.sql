-- Why: what a person prefers is told again and out of order; the last word counts, and not the last to arrive.

alter table contacts
  -- When the person last stopped or resumed marketing messages, as the provider dates it.
  add column marketing_preference_at timestamptz(3);
