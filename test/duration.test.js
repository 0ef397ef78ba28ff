
test("format writes every unit, so that parse reads it back", () => {
  assert.equal(format(5_400_000), "1h 30m")
  assert.equal(format(90_000), "1m 30s")
  for (const milliseconds of [5_400_000, 90_000, 7_140_000]) assert.equal(parse(format(milliseconds)), milliseconds)
})
