// A worker in Go, with the standard library alone: BASE=http://127.0.0.1:8787 API_KEY=... go run worker.go letters default
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

type object = map[string]any

type job struct {
	ID      int64           `json:"id"`
	JobType string          `json:"job_type"`
	LeaseID string          `json:"lease_id"`
	Payload json.RawMessage `json:"payload"`
}

// The work, by job type. What it returns is the result of the job; an error fails the attempt.
var handlers = map[string]func(payload json.RawMessage) (any, error){
	"print": func(payload json.RawMessage) (any, error) {
		var letter struct{ Page *int }
		if err := json.Unmarshal(payload, &letter); err != nil || letter.Page == nil {
			return nil, errors.New("the payload has no page")
		}
		return object{"printed": *letter.Page}, nil
	},
}

var (
	base     = env("BASE", "http://127.0.0.1:8787")
	lease, _ = strconv.Atoi(env("LEASE_SECONDS", "60"))
	host, _  = os.Hostname()
	worker   = fmt.Sprintf("%s-%d", host, os.Getpid())
	client   = http.Client{Timeout: 90 * time.Second}
	stopping atomic.Bool
)

func env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// Sends a call until it is answered, for up to patience: all calls of a worker are safe to repeat. A 4xx is not repeated.
func post(path string, body object, answer any, patience time.Duration) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	for end, pause := time.Now().Add(patience), 250*time.Millisecond; ; pause = min(2*pause, 10*time.Second) {
		request, err := http.NewRequest("POST", base+"/api/v1/jobs/"+path, bytes.NewReader(data))
		if err != nil {
			return err
		}
		request.Header.Set("X-API-KEY", os.Getenv("API_KEY"))
		request.Header.Set("Content-Type", "application/json")
		wait := pause
		response, err := client.Do(request)
		if err == nil {
			text, readErr := io.ReadAll(response.Body)
			response.Body.Close()
			switch {
			case readErr != nil:
				err = readErr
			case response.StatusCode < 300:
				return json.Unmarshal(text, answer)
			case response.StatusCode < 500 && response.StatusCode != 429:
				return fmt.Errorf("%s: %d %s", path, response.StatusCode, text)
			default:
				err = errors.New(response.Status)
				asked, _ := strconv.Atoi(response.Header.Get("Retry-After"))
				wait = max(wait, time.Duration(min(asked, 60))*time.Second)
			}
		}
		if time.Now().After(end) || stopping.Load() && path == "acquire" {
			return fmt.Errorf("%s: %w", path, err)
		}
		fmt.Fprintf(os.Stderr, "%s is sent again: %v\n", path, err)
		time.Sleep(wait)
	}
}

// Renews the lease at every third of it, until the job is done.
func renew(path string, held object, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case <-time.After(time.Duration(lease) * time.Second / 3):
			body := object{"worker_id": held["worker_id"], "lease_id": held["lease_id"], "lease_seconds": lease}
			if err := post(path, body, &object{}, time.Duration(lease)*time.Second/4); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}
}

func run(one job) {
	held := object{"worker_id": worker, "lease_id": one.LeaseID, "completion_token": one.LeaseID}
	done := make(chan struct{})
	go renew(fmt.Sprintf("%d/renew", one.ID), held, done)
	end := "complete"
	result, err := handlers[one.JobType](one.Payload)
	close(done)
	if err != nil {
		end, held["error"] = "fail", err.Error()
	} else {
		held["result"] = result
	}
	// With a completion token a finish that is sent twice is answered as the first time.
	if err := post(fmt.Sprintf("%d/%s", one.ID, end), held, &object{}, 5*time.Minute); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func main() {
	wanted := object{"domain": "letters", "queue": "default", "worker_id": worker, "lease_seconds": lease, "wait_seconds": 5}
	for at, name := range []string{"domain", "queue"} {
		if len(os.Args) > at+1 {
			wanted[name] = os.Args[at+1]
		}
	}
	types := []string{}
	for name := range handlers {
		types = append(types, name)
	}
	wanted["job_types"] = types
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() { <-signals; stopping.Store(true) }()
	for !stopping.Load() {
		var leased struct{ Jobs []job }
		if err := post("acquire", wanted, &leased, 5*time.Minute); err != nil {
			if !stopping.Load() {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		}
		for _, one := range leased.Jobs {
			run(one)
		}
	}
}
