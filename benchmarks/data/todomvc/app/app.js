// A TodoMVC app of the bench's own: right as it is, and wrong in one thing for each name that `window.defect` may have.
const has = (defect) => window.defect === defect
const one = (selector, from = document) => from.querySelector(selector)
const key = has("other-name") ? "my-list" : "todos-millwright"
const input = one(".new-todo")

let todos = JSON.parse((!has("not-kept") && localStorage.getItem(key)) || "[]")
let editing = has("editing-kept") ? todos.find((todo) => todo.editing) : undefined
let filter = "all"
let isStuck = false

const trim = (text) => (has("not-trimmed") ? text : text.trim())
const active = () => todos.filter((todo) => !todo.completed)
const shown = () =>
  todos.filter((todo) => {
    if (filter === "active") return has("active-shows-all") || !todo.completed
    if (filter === "completed") return has("completed-shows-active") ? !todo.completed : todo.completed
    return true
  })

const keep = () => {
  if (has("nothing-stored")) return
  localStorage.setItem(
    key,
    JSON.stringify(
      todos.map((todo) => ({
        id: todo.id,
        title: has("edits-not-kept") ? todo.first : todo.title,
        completed: !has("completed-not-kept") && todo.completed,
        ...(has("editing-kept") && { editing: todo === editing })
      }))
    )
  )
}

const remove = (todo) => {
  todos = todos.filter((other) => other !== todo)
}

const show = (element, isShown) => {
  element.hidden = !isShown
}

const item = (todo) => {
  const li = document.createElement("li")
  const isCompleted = todo.completed && !has("no-completed-class")
  li.className = [isCompleted && "completed", todo === editing && !has("no-editing-class") && "editing"]
    .filter(Boolean)
    .join(" ")
  li.innerHTML = `<div class="view"><input class="toggle" type="checkbox"><label></label><button class="destroy">×</button></div><input class="edit">`
  const edit = one(".edit", li)
  const label = one("label", li)
  label.textContent = todo.title
  if (has("untrimmed-label")) label.style.whiteSpace = "pre"
  if (has("destroy-never")) one(".destroy", li).style.display = "none"
  if (has("destroy-always")) one(".destroy", li).style.display = "inline"
  if (todo === editing) {
    if (has("no-editing-class")) edit.style.display = "block"
    if (has("no-editing-class")) one(".view", li).style.display = "none"
    if (has("controls-stay")) one(".view", li).style.display = "block"
  }
  edit.value = has("edit-is-empty") ? "" : todo.title
  one(".toggle", li).checked = todo.completed
  one(".toggle", li).addEventListener("change", () => {
    if (has("toggle-one-way") && todo.completed) return render()
    todo.completed = !todo.completed
    render(has("stays-in-filter"))
  })
  label.addEventListener(has("single-click-edits") ? "click" : "dblclick", () => {
    if (has("no-edit")) return
    editing = todo
    render()
    const field =
      one(".todo-list .editing .edit") || [...document.querySelectorAll(".edit")].find((each) => each.checkVisibility())
    if (field && !has("edit-no-focus")) field.focus()
  })
  one(".destroy", li).addEventListener("click", () => {
    if (has("destroy-does-nothing")) return
    if (has("destroys-first")) todos.shift()
    else remove(todo)
    render()
  })
  const save = () => {
    if (editing !== todo) return
    const title = has("edit-not-trimmed") ? edit.value : edit.value.trim()
    const isEmpty = has("blank-edit-stays") ? edit.value === "" : edit.value.trim() === ""
    if (!has("editing-goes-on")) editing = undefined
    if (isEmpty && !has("empty-edit-stays")) remove(todo)
    else if (!isEmpty || has("blank-edit-stays")) todo.title = title
    render()
  }
  edit.addEventListener("blur", () => {
    if (has("blur-discards")) {
      editing = undefined
      setTimeout(render)
    } else if (!has("blur-does-nothing")) setTimeout(save)
  })
  edit.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !has("enter-does-nothing")) {
      if (has("enter-discards")) {
        editing = undefined
        return render()
      }
      save()
    }
    if (event.key === "Escape" && !has("escape-does-nothing")) {
      if (has("escape-saves")) return save()
      editing = undefined
      if (has("escape-keeps-text")) todo.title = edit.value
      render()
    }
  })
  return li
}

const render = (isListKept = false) => {
  keep()
  if (!isListKept) one(".todo-list").replaceChildren(...shown().map(item))
  show(one(".main"), todos.length > 0 || has("main-stays"))
  show(one(".footer"), (todos.length > 0 || has("footer-stays")) && !has("no-footer"))
  const left = has("counts-all") ? todos.length : active().length
  const word = has("never-plural")
    ? "item"
    : has("always-plural")
      ? "items"
      : has("zero-singular") && left === 0
        ? "item"
        : left === 1
          ? "item"
          : "items"
  one(".todo-count").innerHTML = has("no-strong") ? `${left} ${word} left` : `<strong>${left}</strong> ${word} left`
  show(one(".clear-completed"), todos.length > left || has("clear-stays") || has("counts-all"))
  if (has("clear-never")) show(one(".clear-completed"), false)
  if (todos.length > 0 && left === 0 && !has("all-never-checked")) one(".toggle-all").checked = true
  else if (!has("all-stays-checked") || todos.length === 0) one(".toggle-all").checked = false
  if (isStuck) one(".toggle-all").checked = true
  if (has("all-checked-early")) one(".toggle-all").checked = todos.some((todo) => todo.completed)
  for (const link of document.querySelectorAll(".filters a")) {
    const isChosen = link.hash === (filter === "all" ? "#/" : `#/${filter}`)
    link.classList.toggle("selected", isChosen && !has("no-selected"))
    if (has("all-selected") && link.hash === "#/") link.classList.add("selected")
  }
}

input.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || has("no-create")) return
  const title = trim(input.value)
  if (has("blank-created") ? input.value === "" : has("empty-created") ? false : title.trim() === "") return
  const todo = { id: Date.now() + todos.length, title, first: title, completed: false }
  todos = has("prepended") ? [todo, ...todos] : [...todos, todo]
  if (!has("not-cleared")) input.value = ""
  render()
})

one(".toggle-all").addEventListener("change", (event) => {
  if (has("all-does-nothing")) return
  if (has("all-only-first")) todos[0].completed = event.target.checked
  else if (has("all-inverts")) for (const todo of todos) todo.completed = !todo.completed
  else if (!has("all-never-clears") || event.target.checked)
    for (const todo of todos) todo.completed = event.target.checked
  render()
})

one(".clear-completed").addEventListener("click", () => {
  if (has("clear-does-nothing")) return
  todos = has("clear-removes-all") ? [] : active()
  isStuck = has("all-not-cleared")
  render()
})

const route = () => {
  const name = location.hash.replace(/^#!?\/?/, "")
  filter = ["active", "completed"].includes(name) && !has("no-routes") ? name : "all"
  render()
}

one(".filters").addEventListener("click", (event) => {
  const link = event.target.closest("a")
  if (link === null || !(has("links-only") || has("no-addresses"))) return
  event.preventDefault()
  filter = link.hash.replace("#/", "") || "all"
  if (has("links-only")) history.pushState({}, "", link.hash)
  render()
})

if (has("filter-not-kept")) location.hash = ""
if (!has("links-only") && !has("no-addresses")) window.addEventListener("hashchange", route)
route()
if (!has("no-focus")) input.focus()
