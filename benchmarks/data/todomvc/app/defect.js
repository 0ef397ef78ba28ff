// The server of the test answers with the defect that is switched on; none in the app as it is.
window.defect = ""
