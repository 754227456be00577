/**
 * A value that comes later. Not a bare promise: the value itself may be one, or look like one, as a schema may give
 * back whatever it likes.
 */
export class Later<Value> {
  constructor(readonly promise: Promise<Value>) {}

  map<Other>(make: (value: Value) => Other, refused?: (error: unknown) => never): Later<Other> {
    return new Later(this.promise.then(make, refused))
  }
}
