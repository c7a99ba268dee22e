/** Whether two types are one and the same, by which a schema is held to the type that is written by hand. */
export type Same<One, Other> =
  (<Type>() => Type extends One ? 1 : 2) extends <Type>() => Type extends Other ? 1 : 2 ? true : false;
