export const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <title>Shop</title>
    <style>
      body { font: 18px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 3rem auto; padding: 0 1rem; color: #1d2733 }
      label, button { display: block; margin-top: 1rem }
      input, button { font: inherit; padding: 0.4rem 0.7rem }
      output { display: block; margin-top: 1.5rem; font-size: 1.6rem; font-weight: 600 }
    </style>
  </head>
  <body>
    <h1>Tea, 6.00 a tin</h1>
    <form>
      <label>How many tins? <input name="count" type="number" min="0" value="1" /></label>
      <button>Reckon</button>
    </form>
    <output aria-label="Total"></output>
    <script>
      const form = document.querySelector("form")
      form.addEventListener("submit", async (event) => {
        event.preventDefault()
        const items = [{ cents: 600, count: Number(form.elements.count.value) }]
        const answer = await fetch("/total", { method: "POST", body: JSON.stringify({ items }) })
        const { cents } = await answer.json()
        document.querySelector("output").textContent = (cents / 100).toFixed(2)
      })
    </script>
  </body>
</html>
`
