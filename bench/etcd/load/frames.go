package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"time"
)

// The part of the frames of docs/protocol.md that a load generator needs.
const (
	headerBytes   = 10
	version       = 1
	frameRequest  = 1
	frameResponse = 2

	opOpenSession = 1
	opRead        = 2
	opWrite       = 3
	opTransfer    = 16
	opStatus      = 17

	kindSession = 1
	kindValue   = 2
	kindDone    = 3
	kindStatus  = 5

	codeNotLeader = 1
)

var crcSeed = crc32.ChecksumIEEE([]byte{version, frameRequest})

// request is one operation. A write has a session and its next sequence number, a read only a key.
type request struct {
	op           byte
	session, seq uint64
	key, value   []byte
}

func appendRequest(out []byte, id uint64, r *request) []byte {
	start := len(out)
	out = append(out, 0, 0, 0, 0, version, frameRequest, 0, 0, 0, 0)
	out = binary.BigEndian.AppendUint64(out, id)
	out = append(out, r.op)
	if r.op == opWrite {
		out = binary.BigEndian.AppendUint64(out, r.session)
		out = binary.BigEndian.AppendUint64(out, r.seq)
	}
	if r.op == opRead || r.op == opWrite {
		out = appendBytes(out, r.key)
	}
	if r.op == opTransfer {
		out = append(out, 0) // the leader chooses the target
	}
	if r.op == opWrite {
		out = appendBytes(out, r.value)
	}
	payload := out[start+headerBytes:]
	binary.BigEndian.PutUint32(out[start:], uint32(len(payload)))
	binary.BigEndian.PutUint32(out[start+6:], crc32.Update(crcSeed, crc32.IEEETable, payload))
	return out
}

func appendBytes(out, bytes []byte) []byte {
	return append(binary.BigEndian.AppendUint32(out, uint32(len(bytes))), bytes...)
}

type response struct {
	id      uint64
	kind    byte
	session uint64 // id of a new session
	code    byte   // code of an error
	message string // message of an error, or the JSON of a status
	leader  string // leader named by an error; may be empty
}

func parseResponse(payload []byte) (r response, err error) {
	if len(payload) < 9 {
		return r, fmt.Errorf("the response has %d bytes", len(payload))
	}
	r.id, r.kind = binary.BigEndian.Uint64(payload), payload[8]
	switch r.kind {
	case kindSession:
		r.session = binary.BigEndian.Uint64(payload[9:])
	case kindValue, kindDone:
	case kindStatus:
		r.message = string(payload[13:])
	default:
		r.code = payload[9]
		rest := payload[10:]
		length := binary.BigEndian.Uint32(rest)
		r.message, rest = string(rest[4:4+length]), rest[4+length:]
		if rest[0] == 1 {
			length = binary.BigEndian.Uint32(rest[1:])
			r.leader = string(rest[5 : 5+length])
		}
	}
	return r, nil
}

// wire is a connection that collects requests and sends them in one write.
type wire struct {
	conn net.Conn
	out  []byte
	in   []byte
	have int
}

func dialChaos(address string) (*wire, error) {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return nil, err
	}
	return &wire{conn: conn, in: make([]byte, 1<<16)}, nil
}

func (w *wire) flush() error {
	if len(w.out) == 0 {
		return nil
	}
	_, err := w.conn.Write(w.out)
	w.out = w.out[:0]
	return err
}

// receive waits for bytes and calls `on` for each complete response.
func (w *wire) receive(on func(response)) error {
	n, err := w.conn.Read(w.in[w.have:])
	if err != nil {
		return err
	}
	w.have += n
	at := 0
	for w.have-at >= headerBytes {
		header := w.in[at:]
		if header[4] != version || header[5] != frameResponse {
			return errors.New("this is not a response frame")
		}
		size := headerBytes + int(binary.BigEndian.Uint32(header))
		if w.have-at < size {
			if size > len(w.in) {
				grown := make([]byte, 2*size)
				copy(grown, w.in[:w.have])
				w.in = grown
			}
			break
		}
		r, err := parseResponse(header[headerBytes:size])
		if err != nil {
			return err
		}
		on(r)
		at += size
	}
	copy(w.in, w.in[at:w.have])
	w.have -= at
	return nil
}

// ask sends one request and waits for its answer.
func (w *wire) ask(r *request) (answer response, err error) {
	w.out = appendRequest(w.out, 0, r)
	if err = w.flush(); err != nil {
		return
	}
	for answered := false; !answered && err == nil; {
		err = w.receive(func(got response) { answer, answered = got, true })
	}
	return
}
