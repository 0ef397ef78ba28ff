/** The price of an order, in cents. */
export const total = (items) => items.reduce((sum, { cents, count }) => sum + cents * count, 0)
