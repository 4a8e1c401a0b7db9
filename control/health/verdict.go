package health

// verdict is what the active checks of a member have led to. A member is up until checks have failed `fall` times in
// succession: one that was just added is more likely to work than not, and requests find out at once if it does not.
type verdict struct {
	down bool
	// against is how many checks in succession have contradicted the verdict.
	against int
}

// observe takes the outcome of a check, and reports whether it has changed the verdict.
func (v *verdict) observe(passed bool, c *Check) bool {
	if passed != v.down {
		v.against = 0
		return false
	}
	need := c.Fall
	if v.down {
		need = c.Rise
	}
	if v.against++; v.against < need {
		return false
	}
	v.down, v.against = !v.down, 0
	return true
}
