/** From so many cents on, an order has the discount. */
const large = 10_000

/** The price of an order, in cents. A large one costs a tenth less; a part of a cent is given to the buyer. */
export const total = (items) => {
  const sum = items.reduce((sum, { cents, count }) => sum + cents * count, 0)
  return sum >= large ? Math.floor((sum * 9) / 10) : sum
}
