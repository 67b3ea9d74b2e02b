-- A page that shows a message offers its remote images only when there are some; counting them at each read takes long.

ALTER TABLE message ADD COLUMN remote_images integer;

COMMENT ON COLUMN message.remote_images IS 'images from other hosts in the HTML; null: stored by a release before';
