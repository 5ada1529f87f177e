/** A node id that a node accepts as `--id`. */
export const NODE_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
