package main

// neverWritten is the number of the value of a key that was never written.
const neverWritten = 0

// values numbers the values of one key. Porcupine checks a key in one goroutine, so there are no locks here.
type values struct {
	texts   []string
	numbers map[string]int
	// Numbers of appended values, by the numbers of the value before and of the appended token.
	made map[[2]int]int
}

func newValues() *values {
	return &values{texts: []string{""}, numbers: map[string]int{}, made: map[[2]int]int{}}
}

func (v *values) number(val value) int {
	if val == nil {
		return neverWritten
	}
	number, there := v.numbers[*val]
	if !there {
		number = len(v.texts)
		v.texts = append(v.texts, *val)
		v.numbers[*val] = number
	}
	return number
}

// appended returns the value followed by a token. A value that was never written counts as empty.
func (v *values) appended(state, token int) int {
	pair := [2]int{state, token}
	number, there := v.made[pair]
	if !there {
		text := v.texts[state] + v.texts[token]
		number = v.number(&text)
		v.made[pair] = number
	}
	return number
}
